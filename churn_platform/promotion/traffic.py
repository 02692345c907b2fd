"""Gives a challenger a share of live traffic, or lets it score in shadow. Recorded before it is
live.
"""

from churn_platform.audit.anchors import note_head
from churn_platform.errors import PromotionError
from churn_platform.promotion.champion import (
    withdrawal,
)
from churn_platform.promotion.publication import Publisher, ready_bundle
from churn_platform.promotion.takeover import check_reason
from churn_platform.published.live_file import Live, direct_traffic


def share_traffic(
    publisher: Publisher, *, challenger: int, weight: float, shadow: bool, reason: str
) -> Live:
    """Start, change or end an experiment, on record before it is live; what is so already is no new
    record.

    A challenger that was never published, as one that was refused, is exported first.
    PromotionError without a reason or for a withdrawn version, PublicationError if the share
    makes no sense.
    """
    check_reason(reason)
    name = publisher.portfolio.name
    if weight or shadow:
        if withdrawn := withdrawal(publisher.client, name, challenger):
            raise PromotionError(f"version {challenger} of {name} gets no traffic: {withdrawn}")
        ready_bundle(publisher, challenger)

    def note(live: Live) -> None:
        details = {
            "live": {
                f"version {model.version}": [model.role, model.weight] for model in live.models
            }
        }
        about = {"portfolio": name, "subject": f"version {challenger}"}
        note_head(
            publisher.client,
            publisher.audit.append(
                "traffic",
                **about,
                reason=reason,
                details=details,
            ),
        )

    # `note` runs inside the lock of live.json, so the record and the change are of the same state.
    return direct_traffic(
        publisher.root,
        challenger=challenger,
        weight=weight,
        shadow=shadow,
        before_change=note,
        shared=publisher.shared,
    )
