"""A scenario of the campaign's form. What is left out, or no number, is as the campaign has it."""

from collections.abc import Mapping

from churn_platform.published.page_bundle import PageManifest, PublishedOffer
from serving.page.planner import Scenario

COST_MIN = 0.01  # a ranking by profit per euro has no place for a contact that costs nothing
CONTROL_SHARE_MAX = 50.0
BEST, NO_OFFER = "", "none"
"""What a tier may be moved to, beside an offer by its name."""


def campaign_scenario(manifest: PageManifest) -> Scenario:
    """The campaign as it is."""
    campaign = manifest.campaign
    return Scenario(campaign.offers, campaign.budget_eur, campaign.capacity, campaign.control_run)


def read_scenario(manifest: PageManifest, form: Mapping[str, str]) -> Scenario:
    """The scenario of a form that was sent."""
    offers = []
    for offer in manifest.campaign.offers:
        if form.get(f"use_{offer.name}") == "yes":
            offers.append(_offer(offer, form))

    names = {offer.name for offer in offers}
    capacity = _number_or_any(form.get("capacity", ""))
    control_run = _control_run(form.get("control_share"), manifest.campaign.control_run)

    return Scenario(
        offers=tuple(offers),
        budget_eur=_number_or_any(form.get("budget_eur", "")),
        capacity=None if capacity is None else int(capacity),
        control_run=control_run,
        moved=_moved(manifest, form, names),
    )


def control_percent(scenario: Scenario) -> float:
    """The control group in per cent, as the form shows it."""
    return 100 / scenario.control_run if scenario.control_run else 0.0


def _offer(offer: PublishedOffer, form: Mapping[str, str]) -> PublishedOffer:
    cost = _number(form.get(f"cost_{offer.name}"), offer.contact_cost_eur)
    percent = _number(form.get(f"rate_{offer.name}"), offer.acceptance_rate * 100)
    rate = min(max(percent / 100, 0.0), 1.0)

    return PublishedOffer(
        offer.name,
        offer.channel,
        max(cost, COST_MIN),
        rate,
    )


def _control_run(text: str | None, default: int) -> int:
    share = _number(text, 100 / default if default else 0.0)
    share = min(share, CONTROL_SHARE_MAX)
    return round(100 / share) if share > 0 else 0


def _moved(
    manifest: PageManifest, form: Mapping[str, str], offers: set[str]
) -> dict[int, str | None]:
    moved: dict[int, str | None] = {}
    for place, tier in enumerate(manifest.tiers, start=1):
        # An offer that is not used in this scenario is left out, as anything unknown is.
        to = form.get(f"move_{tier.name}", BEST)
        if to == NO_OFFER:
            moved[place] = None
        elif to in offers:
            moved[place] = to

    return moved


def _number_or_any(text: str) -> float | None:
    """A limit; None, which is no limit, for an empty field."""
    return max(_number(text, 0.0), 0.0) if text.strip() else None


def _number(text: str | None, default: float) -> float:
    try:
        number = float(text or "")
    except ValueError:
        return default
    # "nan" and "inf" are read as numbers, and are no amounts; NaN is not equal to itself.
    if number == number and abs(number) < 1e12:
        return number
    return default
