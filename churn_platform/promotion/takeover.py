"""A change of champion that a person orders: what rollback, approval and the end of an experiment
share, and what it made live.
"""

from dataclasses import dataclass
from typing import Any, Literal

from churn_platform.audit.audit_record import Record
from churn_platform.errors import PromotionError
from churn_platform.promotion.champion import (
    crown,
)
from churn_platform.promotion.publication import Bundle, Publisher, make_live, ready_bundle
from churn_platform.published.format import features_dir, read_features_manifest


@dataclass(frozen=True)
class Takeover:
    """A change of champion that is live: from which version to which, and the
    record that says why.
    """

    before: int | None
    record: Record
    bundle: Bundle


def scored_by_another(publisher: Publisher, version: int) -> tuple[str, int] | None:
    """The live month whose published scores another version made, with that version; None if all
    fits.
    """
    live = publisher.live()
    if live is None or live.features_month is None:
        return None
    scored_by = read_features_manifest(features_dir(publisher.root, live.features_month)).scored_by
    return (live.features_month, scored_by) if scored_by != version else None


def take_over(
    publisher: Publisher,
    version: int,
    serving: int | None,
    action: Literal["promotion", "approval", "rollback"],
    reason: str,
    details: dict[str, Any],
) -> Takeover:
    """The bundle comes first: where it cannot be made, nothing has happened."""
    bundle = ready_bundle(publisher, version)
    # The bundle is ready before the record: an export that fails must not leave a promise on
    # record.
    record = crown(
        publisher.client,
        publisher.audit,
        publisher.portfolio.name,
        version,
        action,
        reason,
        details,
    )
    make_live(publisher, bundle, reason=f"{action}: {reason}")
    return Takeover(serving, record, bundle)


def live_version(publisher: Publisher) -> int | None:
    """The version that serving is told to use; None before the first publication."""
    live = publisher.live()
    return live.champion if live else None


def check_reason(reason: str) -> None:
    if not reason.strip():
        raise PromotionError("say why: --reason goes into the audit trail")
