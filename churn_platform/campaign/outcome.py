"""What a campaign earned: those set down for contact against those held back, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import chisquare

from churn_platform.campaign.randomised import Randomised
from churn_platform.markdown import table

ALL_OFFERS = "all"
MONTH, TO_DATE = "month", "to date"
CONFIDENCE = 0.95
MISMATCH_P_VALUE = 0.001
MOST_CROSSING = 0.5  # contact rate of control over that of treated; at 1 the list decided nothing
FEWEST_CONTROL = 20  # customers; below, an interval says more about itself than about the campaign
Interval = tuple[float, float]


@dataclass(frozen=True)
class CampaignOutcome:
    """One comparison of those set down for contact (treated) with those held back (control).

    It is by intention to treat: who was set down for contact and never reached counts as treated,
    because who can be reached differs from who cannot. `kept` are customers who stay because of the
    campaign, `profit` what it earned beyond its cost. `mismatch_p_value` is None if no share of
    control was planned.
    """

    period: str
    offer: str
    treated: int
    control: int
    contacted: int
    control_contacted: int
    response_rate: float | None
    treated_churn_rate: float
    control_churn_rate: float
    effect: float
    effect_low: float
    effect_high: float
    kept: float
    kept_low: float
    kept_high: float
    cost_eur: float
    profit_eur: float
    profit_low_eur: float
    profit_high_eur: float
    mismatch_p_value: float | None
    is_trusted: bool
    verdict: str


def measure_outcome(customers: Randomised, *, control_share: float) -> list[CampaignOutcome]:
    """The outcome of a list over all offers, then by offer; none if either group is empty."""
    offers = sorted(set(customers.offer))
    groups = [(ALL_OFFERS, customers)]
    if len(offers) > 1:
        for offer in offers:
            groups.append((offer, customers.take(customers.offer == offer)))

    outcomes = []
    for offer, group in groups:
        if 0 < group.is_control.sum() < len(group):
            outcomes.append(compare(offer, group, control_share=control_share))

    return outcomes


def compare(offer: str, customers: Randomised, *, control_share: float) -> CampaignOutcome:
    """Treated against control among `customers`; `control_share` of them were
    meant to be control.
    """
    treated, control = customers.take(~customers.is_control), customers.take(customers.is_control)
    effect, bounds = _effect(treated, control)
    profit, profit_bounds = _profit(treated, control, bounds)
    answers = treated.is_accepted[~np.isnan(treated.is_accepted)]
    p_value = mismatch(len(treated), len(control), control_share=control_share)
    counts = {
        "treated": len(treated),
        "control": len(control),
        "contacted": int(treated.is_contacted.sum()),
        "control_contacted": int(control.is_contacted.sum()),
    }
    is_trusted, verdict = _verdict(bounds, p_value, control_share=control_share, **counts)
    return CampaignOutcome(
        period=MONTH,
        offer=offer,
        **counts,
        response_rate=float(answers.mean()) if len(answers) else None,
        treated_churn_rate=float(treated.churned.mean()),
        control_churn_rate=float(control.churned.mean()),
        effect=effect,
        effect_low=bounds[0],
        effect_high=bounds[1],
        kept=effect * len(treated),
        kept_low=bounds[0] * len(treated),
        kept_high=bounds[1] * len(treated),
        cost_eur=float(treated.cost_eur.sum()),
        profit_eur=profit,
        profit_low_eur=profit_bounds[0],
        profit_high_eur=profit_bounds[1],
        mismatch_p_value=p_value,
        is_trusted=is_trusted,
        verdict=verdict,
    )


def _effect(treated: Randomised, control: Randomised) -> tuple[float, Interval]:
    """Churn rate of control minus that of treated, with Newcombe's interval (1998, method 10)."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(
        count1=int(control.churned.sum()),
        nobs1=len(control),
        count2=int(treated.churned.sum()),
        nobs2=len(treated),
        method="newcomb",
        compare="diff",
        alpha=1 - CONFIDENCE,
    )
    effect = float(control.churned.mean() - treated.churned.mean())
    return effect, (float(low), float(high))


def _profit(treated: Randomised, control: Randomised, effect: Interval) -> tuple[float, Interval]:
    """Difference of the mean net values times the treated, EUR; the wider of two intervals.

    Welch's knows that values differ between customers, and nothing if no one of a small control
    group left; Newcombe's of the effect, at the mean value, knows the latter.
    """
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    count = len(treated)
    gain_eur = float(treated.net_eur.mean() - control.net_eur.mean())
    value_eur = float(treated.value_eur.mean())
    spent_eur = float(treated.cost_eur.mean() - control.cost_eur.mean())

    bounds = []
    for bound in effect:
        # The wider of two intervals: each of them knows a spread that the other one does not see.
        bounds.append(count * (bound * value_eur - spent_eur))

    if min(count, len(control)) > 1:
        means = CompareMeans(DescrStatsW(treated.net_eur), DescrStatsW(control.net_eur))
        welch = means.tconfint_diff(alpha=1 - CONFIDENCE, usevar="unequal")
        for bound in welch:
            if np.isfinite(bound):
                bounds.append(count * bound)

    return count * gain_eur, (float(min(bounds)), float(max(bounds)))


def mismatch(treated: int, control: int, *, control_share: float) -> float | None:
    """p-value of a sample ratio mismatch: chi-square of the two counts against
    the planned share.
    """
    if not control_share:
        return None
    total = treated + control
    return float(
        chisquare([treated, control], [total * (1 - control_share), total * control_share]).pvalue
    )


def follows_draw(*, treated: int, control: int, contacted: int, control_contacted: int) -> bool:
    """Whether control customers were contacted less than half as often as those set down for
    contact.
    """
    # If control was contacted nearly as often as the others, the list decided nothing.
    return control_contacted * treated < MOST_CROSSING * contacted * control


def _verdict(
    effect: Interval,
    p_value: float | None,
    *,
    control_share: float,
    treated: int,
    control: int,
    contacted: int,
    control_contacted: int,
) -> tuple[bool, str]:
    """Whether the figures may be believed, and what they say, in words."""
    # A control group that is not as drawn is a sign of missing customers; no figure is to be
    # trusted.
    if p_value is not None and p_value < MISMATCH_P_VALUE:
        planned = control_share * (treated + control)
        return False, (
            f"not to be trusted: {control:,} control customers have an outcome "
            f"where {planned:,.0f} of "
            f"{treated + control:,} were planned (sample ratio mismatch, p = {p_value:.1g}): "
            f"customers are missing, or control_share was another then"
        )

    if not follows_draw(
        treated=treated,
        control=control,
        contacted=contacted,
        control_contacted=control_contacted,
    ):
        return False, (
            f"not to be trusted: {control_contacted:,} of {control:,} control customers were "
            "contacted, and "
            f"{contacted:,} of {treated:,} others; contacts did not follow the list"
        )

    notes = [_reading(effect, control)]
    if contacted < treated:
        notes.append(
            f"{treated - contacted:,} of {treated:,} were never contacted and count as treated"
        )

    if control_contacted:
        notes.append(
            f"{control_contacted:,} control customers were contacted, "
            "which hides part of the effect"
        )

    return True, "; ".join(notes)


def _reading(effect: Interval, control: int) -> str:
    if control < FEWEST_CONTROL:
        return (
            f"too few to tell: {control:,} control customers have an outcome, "
            f"{FEWEST_CONTROL} are the least"
        )
    if effect[0] > 0:
        return "the campaign keeps customers"

    return "the campaign drives customers away" if effect[1] < 0 else "no effect is shown"


def add_up(months: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """All trusted months as one row: sums, with intervals by the squares of the distances (Zou &
    Donner 2008).

    Months are added instead of their customers, so the control share may change. None if no
    month is trusted.
    """
    trusted = [row for row in months if row["is_trusted"]]
    if not trusted:
        return None

    treated = _total(trusted, "treated")
    control = _total(trusted, "control")
    kept, kept_low, kept_high = _sum_of(trusted, *KEPT)
    profit, profit_low, profit_high = _sum_of(trusted, *PROFIT)
    effect_low, effect_high = kept_low / treated, kept_high / treated
    reading = _reading((effect_low, effect_high), control)
    answered = [row for row in trusted if row["response_rate"] is not None]
    return {
        "period": TO_DATE,
        "offer": ALL_OFFERS,
        "treated": treated,
        "control": control,
        "contacted": _total(trusted, "contacted"),
        "control_contacted": _total(trusted, "control_contacted"),
        "cost_eur": _total(trusted, "cost_eur"),
        "response_rate": _mean(answered, "response_rate", "contacted"),
        # weighted by treated customers, so that control is what treated would have been
        "treated_churn_rate": _mean(trusted, "treated_churn_rate", "treated"),
        "control_churn_rate": _mean(trusted, "control_churn_rate", "treated"),
        "effect": kept / treated,
        "effect_low": effect_low,
        "effect_high": effect_high,
        "kept": kept,
        "kept_low": kept_low,
        "kept_high": kept_high,
        "profit_eur": profit,
        "profit_low_eur": profit_low,
        "profit_high_eur": profit_high,
        "mismatch_p_value": None,
        "is_trusted": True,
        "verdict": f"{reading}, over all trusted months ({len(trusted)})",
    }


KEPT = ("kept", "kept_low", "kept_high")
PROFIT = ("profit_eur", "profit_low_eur", "profit_high_eur")


def _total(rows: Sequence[dict[str, Any]], name: str) -> Any:
    return sum(row[name] for row in rows)


def _mean(rows: Sequence[dict[str, Any]], name: str, weight: str) -> float | None:
    """Mean over months by that weight; None if there is none."""
    total = _total(rows, weight)
    if not total:
        return None
    return sum(row[name] * row[weight] for row in rows) / total


def _sum_of(
    rows: Sequence[dict[str, Any]], name: str, low: str, high: str
) -> tuple[float, float, float]:
    total = _total(rows, name)
    # Months are independent, so squared half-widths add up.
    squares_below = sum((row[name] - row[low]) ** 2 for row in rows)
    squares_above = sum((row[high] - row[name]) ** 2 for row in rows)
    return total, total - squares_below**0.5, total + squares_above**0.5


def as_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a table to read, each with its verdict."""
    head = [
        "period",
        "offer",
        "treated : control",
        "churn rates",
        "customers kept (95 %)",
        "profit EUR (95 %)",
        "took the offer",
        "what it says",
    ]
    lines = []
    for row in rows:
        cells = [
            row["period"],
            row["offer"],
            f"{row['treated']:,} : {row['control']:,}",
            f"{row['treated_churn_rate']:.1%} : {row['control_churn_rate']:.1%}",
            f"{row['kept']:,.0f} ({row['kept_low']:,.0f} to {row['kept_high']:,.0f})",
            f"{row['profit_eur']:,.0f} "
            f"({row['profit_low_eur']:,.0f} to {row['profit_high_eur']:,.0f})",
            _share(row["response_rate"]),
            row["verdict"],
        ]
        lines.append(cells)

    return table(head, lines, align="llrrrrrl")


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
