"""Makes an earlier champion champion again; the present one is withdrawn for good."""

from churn_platform.audit.trail import champions
from churn_platform.errors import PromotionError
from churn_platform.promotion.champion import (
    changing,
    former_champion,
)
from churn_platform.promotion.publication import Publisher, make_live, ready_bundle
from churn_platform.promotion.takeover import Takeover, check_reason, live_version, take_over
from churn_platform.training.model_registry import (
    PREVIOUS,
    champion_version,
    version_named,
    version_of,
    withdrawn_reason,
)


def roll_back(publisher: Publisher, *, to: int | None, reason: str) -> Takeover:
    """Make the champion before, or version `to`, champion again and live; the present one is
    withdrawn for good.

    PromotionError if there is none to go back to, or `to` never was champion or was withdrawn.
    Where the champion itself is given but not live, because a change was cut short, it goes live.
    """
    check_reason(reason)
    client, name = publisher.client, publisher.portfolio.name
    with changing(client, publisher.audit, name):
        serving = champion_version(client, name)
        live = live_version(publisher)
        # The alias moved and a crash came before live.json: nothing is rolled back, the change is
        # completed.
        if to == serving and live != serving:
            return _finish(publisher, serving)
        if to is None:
            to = _version_before(publisher, serving, live)

        _check_target(publisher, to, serving)
        return take_over(publisher, to, serving, "rollback", reason, {})


def _finish(publisher: Publisher, version: int) -> Takeover:
    """Make the champion live whose change was cut short before."""
    name = publisher.portfolio.name
    changes = champions(publisher.audit.records(), name)
    if not changes:
        raise PromotionError(
            f"version {version} of {name} is not on record; materialize {name}/published_model"
        )

    last = changes[-1]
    bundle = ready_bundle(publisher, version)
    make_live(publisher, bundle, reason="completes a change of champion that was cut short")
    return Takeover(last.details["replaces"], last, bundle)


def _version_before(publisher: Publisher, serving: int, live: int | None) -> int:
    name = publisher.portfolio.name
    if live != serving:
        raise PromotionError(
            f"version {serving} of {name} is champion, but version {live} is live: "
            "a run is publishing it, or a change "
            f"was cut short; give --to {serving} to complete it, "
            "or --to the version that is to serve"
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

    reason = withdrawn_reason(version_named(client, name, version))
    if reason:
        raise PromotionError(
            f"version {version} of {name} was withdrawn ({reason}); choose another"
        )

    # Only a former champion can come back: a refused version must not get in by this door.
    records = champions(publisher.audit.records(), name)
    served = {record.version for record in records}
    served.add(version_of(client, name, PREVIOUS))
    if version not in served:
        raise PromotionError(
            f"version {version} of {name} was never champion; what never served cannot come back"
        )
