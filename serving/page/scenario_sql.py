"""The SQL of a scenario: who is worth a contact, with which offer, at which step of the ranking."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from churn_platform.published.page_bundle import PublishedOffer

STEPS_PER_FOLD = 100  # a step is a hundredth of the value wide, so few customers are in each
SUMS = "count(*), sum(cost_eur), sum(profit_eur), sum(churn_probability)"


class Ranking(msgspec.Struct, frozen=True):
    """The steps of a query for customers who are worth a contact, and the values in them.

    Its last step `ranked` has the columns step (the higher the better), offer, churn_probability,
    at_stake_eur, cost_eur, profit_eur, rank. `{source}` stands for what it reads.
    """

    steps: str
    parameters: dict[str, Any]


def ranking_of(
    offers: Sequence[PublishedOffer], moved: Mapping[int, str | None], *, is_by_euro: bool
) -> Ranking:
    """Each customer with the offer of highest profit, or the one that the tier was moved to."""
    parameters: dict[str, Any] = {}
    profits = []
    for place, offer in enumerate(offers):
        parameters[f"cost{place}"] = offer.contact_cost_eur
        parameters[f"rate{place}"] = offer.acceptance_rate
        profits.append(f"at_stake_eur * $rate{place}::double - $cost{place}::double")

    # A column for each offer, not a row: a join with millions of rows takes longer than all else.
    chosen = []
    costs = []
    for place, profit in enumerate(profits):
        chosen.append(f"when {profit} = profit_eur then {place}")
        costs.append(f"when {place} then $cost{place}::double")

    places = {offer.name: place for place, offer in enumerate(offers)}
    offer_of_tier = {}
    profit_of_tier = {}
    for tier, name in moved.items():
        if name is not None:
            place = places[name]
            offer_of_tier[tier] = place
            profit_of_tier[tier] = profits[place]

    profit = _by_tier(
        moved,
        profit_of_tier,
        f"greatest({', '.join(profits)})",
    )
    choice = _by_tier(
        moved,
        offer_of_tier,
        f"case {' '.join(chosen)} end",
    )
    rank = "profit_eur / cost_eur" if is_by_euro else "profit_eur"
    steps = f"""
        judged as (select *, {profit} as profit_eur from {{source}}),
        chosen as (select *, {choice} as offer from judged where profit_eur > 0),
        priced as (select *, case offer {" ".join(costs)} end as cost_eur from chosen),
        ranked as (
            select
                floor(ln({rank}) * {STEPS_PER_FOLD})::integer as step,
                offer,
                churn_probability,
                at_stake_eur,
                cost_eur,
                profit_eur,
                {rank} as rank,
            from priced
        )
    """

    return Ranking(steps, parameters)


def steps_sql(ranking: Ranking) -> str:
    """Sums of each step and offer, the best step first, and what is at stake at least and most."""
    return f"""
        with {ranking.steps.format(source="plan")}
        select step, offer, {SUMS}, min(at_stake_eur), max(at_stake_eur)
        from ranked
        group by step, offer
        order by step desc, offer
    """


def last_step_sql(ranking: Ranking) -> str:
    """Of the step in which a limit is reached: sums by offer of those inside and of those beyond,
    with the profit per euro of the first of them.
    """
    # What is at stake narrows the scan to a few pages of the file, which is in that order.
    source = "(from plan where at_stake_eur between $least::double and $most::double)"
    return f"""
        with {ranking.steps.format(source=source)},
        ordered as (
            select
                *,
                $before_cost::double + sum(cost_eur) over earlier as cost_so_far,
                $before_customers::bigint + row_number() over earlier as place,
            from ranked
            where step = $step::integer
            window earlier as (order by rank desc rows unbounded preceding)
        ),
        limited as (
            select
                *,
                ($budget::double is null or cost_so_far * $share::double <= $budget::double)
                and ($capacity::bigint is null or place * $share::double <= $capacity::bigint)
                    as is_inside,
            from ordered
        )
        select is_inside, offer, {SUMS}, min(place), arg_min(profit_eur / cost_eur, place)
        from limited
        group by is_inside, offer
        order by is_inside, min(place)
    """


def _by_tier(tiers: Iterable[int], values: Mapping[int, object], otherwise: str) -> str:
    """SQL for the value of each of some tiers, null without one, and another for the rest."""
    cases = []
    for tier in tiers:
        value = values.get(tier, "null")
        cases.append(f"when {tier} then {value}")

    # SQL has no `case` without a `when`.
    if not cases:
        return otherwise

    return f"case tier_place {' '.join(cases)} else {otherwise} end"
