"""Changes of what serves that a person orders: rollback, approval, and an experiment on live traffic."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal

from churn_platform.audit.anchors import note_head
from churn_platform.audit.record import Record
from churn_platform.audit.trail import champions
from churn_platform.errors import PromotionError
from churn_platform.promotion import evaluation_table
from churn_platform.promotion.champion import (
    changing,
    crown,
    former_champion,
    judgement_of,
    numbers,
    obstacle_to_promotion,
    withdrawal,
)
from churn_platform.promotion.publication import Bundle, Publisher, make_live, ready_bundle
from churn_platform.published.atomic_files import direct_traffic
from churn_platform.published.format import Live, features_dir, read_features_manifest, read_live
from churn_platform.training.model_registry import (
    CHAMPION,
    PREVIOUS,
    champion_version,
    version_named,
    version_of,
    withdrawn_reason,
)
from churn_platform.warehouse.lake import connect


@dataclass(frozen=True)
class Takeover:
    """A change of champion that is live: from which version to which, and the record that says why."""

    before: int | None
    record: Record
    bundle: Bundle


def roll_back(publisher: Publisher, *, to: int | None, reason: str) -> Takeover:
    """Make the champion before, or version `to`, champion again and live; the present one is withdrawn for good.

    PromotionError where there is none to go back to, or `to` never was champion or was withdrawn. Where the champion
    itself is given but not live, because a change was cut short, it goes live.
    """
    _check_reason(reason)
    client, name = publisher.client, publisher.portfolio.name
    with changing(client, publisher.audit, name):
        serving = champion_version(client, name)
        live = live_version(publisher)
        if to == serving and live != serving:
            return _finish(publisher, serving)
        if to is None:
            to = _version_before(publisher, serving, live)
        _check_target(publisher, to, serving)
        return _take_over(publisher, to, serving, "rollback", reason, {})


def approve(publisher: Publisher, *, version: int | None, reason: str) -> Takeover:
    """Promote the version that waits for approval and make it live; PromotionError where it, or any, does not wait."""
    _check_reason(reason)
    client, portfolio = publisher.client, publisher.portfolio
    if portfolio.approval != "manual":
        raise PromotionError(f"{portfolio.name} promotes without approval; `approval: manual` in its spec changes that")
    judgement = judgement_of(_waiting(publisher, version))
    with changing(client, publisher.audit, portfolio.name):
        serving = version_of(client, portfolio.name, CHAMPION)
        if obstacle := obstacle_to_promotion(client, portfolio.name, judgement, serving):
            raise PromotionError(f"version {judgement.version} cannot be approved: {obstacle}")
        details = {"month": judgement.month, "earned": judgement.reason, **numbers(judgement.evidence)}
        return _take_over(publisher, judgement.version, serving, "approval", reason, details)


def share_traffic(publisher: Publisher, *, challenger: int, weight: float, shadow: bool, reason: str) -> Live:
    """Start, change or end an experiment, on record before it is live; what is so already is no new record.

    A challenger that was never published, as one that was refused, is exported first. PromotionError without a reason
    or for a withdrawn version, PublicationError where the share makes no sense.
    """
    _check_reason(reason)
    name = publisher.portfolio.name
    if weight or shadow:
        if withdrawn := withdrawal(publisher.client, name, challenger):
            raise PromotionError(f"version {challenger} of {name} gets no traffic: {withdrawn}")
        ready_bundle(publisher, challenger)

    def note(live: Live) -> None:
        details = {"live": {f"version {model.version}": [model.role, model.weight] for model in live.models}}
        about = {"portfolio": name, "subject": f"version {challenger}"}
        note_head(publisher.client, publisher.audit.append("traffic", **about, reason=reason, details=details))

    return direct_traffic(publisher.root, challenger=challenger, weight=weight, shadow=shadow, before_change=note)


def scored_by_another(publisher: Publisher, version: int) -> tuple[str, int] | None:
    """The live month whose published scores another version made, with that version; None where all fits."""
    live = read_live(publisher.root)
    if live is None or live.features_month is None:
        return None
    scored_by = read_features_manifest(features_dir(publisher.root, live.features_month)).scored_by
    return (live.features_month, scored_by) if scored_by != version else None


def _take_over(
    publisher: Publisher,
    version: int,
    serving: int | None,
    action: Literal["approval", "rollback"],
    reason: str,
    details: dict[str, Any],
) -> Takeover:
    """The bundle comes first: where it cannot be made, nothing has happened."""
    bundle = ready_bundle(publisher, version)
    record = crown(publisher.client, publisher.audit, publisher.portfolio.name, version, action, reason, details)
    make_live(publisher, bundle, reason=f"{action}: {reason}")
    return Takeover(serving, record, bundle)


def _finish(publisher: Publisher, version: int) -> Takeover:
    """Make the champion live whose change was cut short before."""
    name = publisher.portfolio.name
    changes = champions(publisher.audit.records(), name)
    if not changes:
        raise PromotionError(f"version {version} of {name} is not on record; materialize {name}/published_model")
    bundle = ready_bundle(publisher, version)
    make_live(publisher, bundle, reason="completes a change of champion that was cut short")
    return Takeover(changes[-1].details["replaces"], changes[-1], bundle)


def live_version(publisher: Publisher) -> int | None:
    """The version that serving is told to use; None before the first publication."""
    live = read_live(publisher.root)
    return next((model.version for model in live.models if model.role == "champion"), None) if live else None


def _version_before(publisher: Publisher, serving: int, live: int | None) -> int:
    name = publisher.portfolio.name
    if live != serving:
        raise PromotionError(
            f"version {serving} of {name} is champion, but version {live} is live: a run is publishing it, or a change "
            f"was cut short; give --to {serving} to complete it, or --to the version that is to serve"
        )
    found = former_champion(publisher.client, publisher.audit, name, without=set())
    version = found or version_of(publisher.client, name, PREVIOUS)
    if version is None:
        raise PromotionError(f"{name} has no champion before version {serving} to go back to")
    return version


def _check_target(publisher: Publisher, version: int, serving: int) -> None:
    client, name = publisher.client, publisher.portfolio.name
    if version == serving:
        raise PromotionError(f"version {version} is the champion of {name} already")
    if reason := withdrawn_reason(version_named(client, name, version)):
        raise PromotionError(f"version {version} of {name} was withdrawn ({reason}); choose another")
    served = {record.version for record in champions(publisher.audit.records(), name)}
    if version not in served | {version_of(client, name, PREVIOUS)}:
        raise PromotionError(f"version {version} of {name} was never champion; what never served cannot come back")


def _waiting(publisher: Publisher, version: int | None) -> dict[str, Any]:
    """The newest evaluation that waits for approval, of that version where one is given."""
    portfolio = publisher.portfolio
    with closing(connect(publisher.lake, read_only=True)) as connection:
        rows = evaluation_table.awaiting_approval(connection, portfolio)
    waiting = [row for row in rows if version in (None, row["challenger_version"])]
    if not waiting:
        asked = f"version {version} of {portfolio.name} does not wait" if version else f"{portfolio.name} has none"
        others = ", ".join(str(row["challenger_version"]) for row in rows) or "none"
        raise PromotionError(f"{asked} for approval; waiting: {others} (`churn models {portfolio.name}` lists all)")
    return waiting[-1]


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise PromotionError("say why: --reason goes into the audit trail")
