"""What another budget, cost or acceptance would bring, in SQL on the month's scores.

The rules are those of the contact list: each customer gets the offer of highest expected profit, if
that is positive; the list is ranked by profit per euro where a budget binds, else by profit.
"""

from typing import Any

import msgspec

from churn_platform.published.page_bundle import PublishedOffer
from serving.page.bundle import Month

BARRED = ("opted_out", "ineligible", "recently_contacted")
CURVE_POINTS = 40


class Scenario(msgspec.Struct, frozen=True):
    """Offers to choose from, and what their contacts may cost together; None: any."""

    offers: tuple[PublishedOffer, ...]
    budget_eur: float | None


class Plan(msgspec.Struct, frozen=True):
    """What a scenario brings. `next_euro_eur`: expected profit of one more euro; None if all who
    are worth a contact are reached. curve: (cost, profit) while the budget grows.
    """

    contacts: int
    cost_eur: float
    profit_eur: float
    churners_reached: float
    next_euro_eur: float | None
    by_offer: list[dict[str, Any]]
    curve: list[tuple[float, float]]


def plan(month: Month, scenario: Scenario) -> Plan:
    """The scenario on the month's customers, without those who must not be contacted."""
    if not scenario.offers:
        return Plan(0, 0.0, 0.0, 0.0, None, [], [])
    query, parameters = _ranked_sql(month, scenario)
    budget = scenario.budget_eur
    inside = "true" if budget is None else "cost_so_far <= $budget"
    known = parameters | ({} if budget is None else {"budget": budget})
    with month.connection.cursor() as cursor:
        cursor.execute(f"create or replace temp table ranked as {query}", parameters)
        total = cursor.execute(
            f"select count(*), coalesce(sum(cost_eur), 0), coalesce(sum(profit_eur), 0), "
            f"coalesce(sum(churn_probability), 0), coalesce(max(place), 0) "
            f"from ranked where {inside}",
            _of(known, inside),
        ).fetchone()
        assert total is not None
        contacts, cost, profit, churners, last = total
        after = cursor.execute(
            "select profit_eur / cost_eur from ranked where place = ?", [last + 1]
        ).fetchone()
        by_offer = cursor.execute(
            f"select choice, count(*), sum(cost_eur), sum(profit_eur) from ranked where {inside} "
            "group by choice order by choice",
            _of(known, inside),
        ).fetchall()
        curve = cursor.execute(
            "select max(cost_so_far), max_by(profit_so_far, place) from ranked "
            f"group by place * {CURVE_POINTS} // (select count(*) + 1 from ranked) order by 1"
        ).fetchall()
        cursor.execute("drop table ranked")
    names = ("offer", "contacts", "cost_eur", "profit_eur")
    return Plan(
        contacts=contacts,
        cost_eur=cost,
        profit_eur=profit,
        churners_reached=churners,
        next_euro_eur=after[0] if after else None,
        by_offer=[
            dict(zip(names, (scenario.offers[choice].name, *sums), strict=True))
            for choice, *sums in by_offer
        ],
        curve=[(0.0, 0.0), *curve],
    )


def _of(known: dict[str, Any], condition: str) -> dict[str, Any]:
    return {"budget": known["budget"]} if "$budget" in condition else {}


def _ranked_sql(month: Month, scenario: Scenario) -> tuple[str, dict[str, Any]]:
    """Query for the customers who are worth a contact, each with place and sums so far."""
    profits: list[str] = []
    parameters: dict[str, Any] = {}
    for place, offer in enumerate(scenario.offers):
        parameters |= {
            f"cost{place}": offer.contact_cost_eur,
            f"rate{place}": offer.acceptance_rate,
        }
        profits.append(
            f"churn_probability * $rate{place}::double * customer_value_eur - $cost{place}::double"
        )
    best = f"greatest({', '.join(profits)})" if len(profits) > 1 else profits[0]
    # A column for each offer instead of a row: with millions of customers a join would be slower
    # than all the rest.
    chosen = " ".join(
        f"when {profit} = profit_eur then {place}" for place, profit in enumerate(profits)
    )
    costs = " ".join(f"when {place} then $cost{place}::double" for place in range(len(profits)))
    barred = ", ".join(f"'{decision}'" for decision in BARRED)
    order = "profit_eur / cost_eur" if scenario.budget_eur is not None else "profit_eur"
    query = f"""
        with worthwhile as (
            select churn_probability, customer_value_eur, {best} as profit_eur
            from customers
            where {best} > 0 and decision not in ({barred})
        ),
        chosen as (select *, case {chosen} end as choice from worthwhile),
        named as (
            select
                churn_probability,
                profit_eur,
                choice,
                case choice {costs} end as cost_eur,
            from chosen
        ),
        -- one window for all three, so that the rows are sorted once
        placed as (
            select
                *,
                row_number() over earlier as place,
                sum(cost_eur) over earlier as cost_so_far,
                sum(profit_eur) over earlier as profit_so_far,
            from named
            window earlier as (order by {order} desc rows unbounded preceding)
        )
        select * from placed
    """
    return query, parameters
