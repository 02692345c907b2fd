"""What other offers, budget or control group would bring, in SQL on the month's scores.

The rules are those of the contact list: each customer gets the offer of highest expected profit, if
that is positive; the list is ranked by profit per euro where a budget binds, else by profit; one in
each run of the ranking is control.

Millions of customers are never sorted. One scan adds them up by steps of the ranking, each a
hundredth of its value wide; only the step in which the budget ends is put in order.
"""

from collections.abc import Iterable
from typing import Any

import duckdb
import msgspec

from churn_platform.published.page_bundle import PublishedOffer
from serving.page.bundle import Month
from serving.page.scenario_sql import Ranking, last_step_sql, ranking_of, steps_sql

CURVE_POINTS = 40


class Scenario(msgspec.Struct, frozen=True):
    """Offers to choose from, and what limits their contacts.

    budget_eur, capacity: what the contacts may cost together, and how many they may be; None: any.
    control_run: ranked customers, of whom one is control; 0: none. moved: for a tier, by its place
    from 1, the offer that its customers get in place of the best one; None for no offer.
    """

    offers: tuple[PublishedOffer, ...]
    budget_eur: float | None
    capacity: int | None = None
    control_run: int = 0
    moved: dict[int, str | None] = {}

    @property
    def contacted_share(self) -> float:
        """The share of ranked customers who are not control."""
        return 1 - 1 / self.control_run if self.control_run else 1.0


class Sums(msgspec.Struct, frozen=True):
    """What some ranked customers add up to, control included."""

    customers: int = 0
    cost_eur: float = 0.0
    profit_eur: float = 0.0
    churners: float = 0.0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.customers + other.customers,
            self.cost_eur + other.cost_eur,
            self.profit_eur + other.profit_eur,
            self.churners + other.churners,
        )


class Step(msgspec.Struct, frozen=True):
    """A step of the ranking: its sums by offer, and what is at stake at least and most."""

    number: int
    by_offer: dict[int, Sums]
    least: float
    most: float

    @property
    def total(self) -> Sums:
        """All offers together."""
        return sum(self.by_offer.values(), Sums())


class Plan(msgspec.Struct, frozen=True):
    """What a scenario brings, without its control group, whose expected profit `control_eur` is.

    `next_euro_eur`: expected profit of one more euro; None if all who are worth a contact are
    reached. curve: (cost, profit) while the budget grows.
    """

    contacts: int
    control: int
    cost_eur: float
    profit_eur: float
    churners_reached: float
    control_eur: float
    next_euro_eur: float | None
    by_offer: list[dict[str, Any]]
    curve: list[tuple[float, float]]


def plan(month: Month, scenario: Scenario) -> Plan:
    """The scenario on the month's customers, without those who must not be contacted."""
    if not scenario.offers:
        return Plan(
            contacts=0,
            control=0,
            cost_eur=0.0,
            profit_eur=0.0,
            churners_reached=0.0,
            control_eur=0.0,
            next_euro_eur=None,
            by_offer=[],
            curve=[],
        )

    ranking = ranking_of(
        scenario.offers,
        scenario.moved,
        is_by_euro=scenario.budget_eur is not None,
    )
    with month.connection.cursor() as cursor:
        steps = _read_steps(cursor, ranking)
        reached, last = _reached(steps, scenario)
        next_euro = None
        if last is not None:
            next_euro = _add_last_step(
                cursor,
                ranking,
                scenario,
                reached,
                last,
            )
    return _plan(
        scenario,
        reached,
        next_euro,
        _curve(steps, scenario.contacted_share),
    )


def _read_steps(cursor: duckdb.DuckDBPyConnection, ranking: Ranking) -> list[Step]:
    """The steps in their order."""
    found: dict[int, Step] = {}
    rows = cursor.execute(steps_sql(ranking), ranking.parameters).fetchall()
    for number, offer, *sums, least, most in rows:
        known = found.get(number) or Step(number, {}, least, most)
        found[number] = Step(
            number,
            known.by_offer | {offer: Sums(*sums)},
            min(known.least, least),
            max(known.most, most),
        )

    return list(found.values())


def _reached(steps: Iterable[Step], scenario: Scenario) -> tuple[dict[int, Sums], Step | None]:
    """Sums by offer of the steps that fit as a whole, and the first that does not; None if all
    fit.
    """
    reached: dict[int, Sums] = {}
    total = Sums()
    for step in steps:
        total += step.total
        if not _fits(total, scenario):
            return reached, step

        for offer, sums in step.by_offer.items():
            reached[offer] = reached.get(offer, Sums()) + sums

    return reached, None


def _add_last_step(
    cursor: duckdb.DuckDBPyConnection,
    ranking: Ranking,
    scenario: Scenario,
    reached: dict[int, Sums],
    step: Step,
) -> float | None:
    """Add those of a step who fit, one by one in order; the profit per euro of the first who does
    not.
    """
    before = sum(reached.values(), Sums())
    limits = {
        "step": step.number,
        "least": step.least,
        "most": step.most,
        "before_cost": before.cost_eur,
        "before_customers": before.customers,
        "share": scenario.contacted_share,
        "budget": scenario.budget_eur,
        "capacity": scenario.capacity,
    }
    parameters = ranking.parameters | limits
    rows = cursor.execute(last_step_sql(ranking), parameters).fetchall()
    next_euro = None
    for is_inside, offer, *sums, _, per_euro in rows:
        if is_inside:
            reached[offer] = reached.get(offer, Sums()) + Sums(*sums)
        elif next_euro is None:  # the rows are in the order of their first customer
            next_euro = per_euro

    return next_euro


def _fits(total: Sums, scenario: Scenario) -> bool:
    # Control customers are ranked too, but take neither budget nor capacity.
    share = scenario.contacted_share
    budget = scenario.budget_eur
    if budget is not None and not total.cost_eur * share <= budget:
        return False

    capacity = scenario.capacity
    return capacity is None or total.customers * share <= capacity


def _plan(
    scenario: Scenario,
    reached: dict[int, Sums],
    next_euro: float | None,
    curve: list[tuple[float, float]],
) -> Plan:
    total = sum(reached.values(), Sums())
    share = scenario.contacted_share
    by_offer = []
    for offer, sums in sorted(reached.items()):
        shown = {
            "offer": scenario.offers[offer].name,
            "contacts": round(sums.customers * share),
            "cost_eur": sums.cost_eur * share,
            "profit_eur": sums.profit_eur * share,
        }
        by_offer.append(shown)

    contacts = round(total.customers * share)

    return Plan(
        contacts=contacts,
        control=total.customers - contacts,
        cost_eur=total.cost_eur * share,
        profit_eur=total.profit_eur * share,
        churners_reached=total.churners * share,
        control_eur=total.profit_eur * (1 - share),
        next_euro_eur=next_euro,
        by_offer=by_offer,
        curve=curve,
    )


def _curve(steps: Iterable[Step], share: float) -> list[tuple[float, float]]:
    """Cost and profit of ever more customers, the best first, at some steps of the ranking."""
    total = Sums()
    points = [(0.0, 0.0)]
    for step in steps:
        total += step.total
        cost = total.cost_eur * share
        profit = total.profit_eur * share
        points.append((cost, profit))

    # By cost, not by step: most steps of the ranking are at its cheap beginning.
    whole_cost, _ = points[-1]
    width = whole_cost / CURVE_POINTS
    shown: list[tuple[float, float]] = []
    for cost, profit in points[:-1]:
        if not shown or cost >= shown[-1][0] + width:
            shown.append((cost, profit))

    return [*shown, points[-1]]
