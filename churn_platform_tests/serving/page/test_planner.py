"""A plan follows the rules of the contact list, worked out by hand."""

from types import SimpleNamespace

import duckdb
import pytest

from churn_platform.campaign import contact_list
from churn_platform.published.page_bundle import NOT_CONTACTABLE, PublishedOffer, plan_sql
from serving.page.planner import Scenario, plan

# Profit of an offer: risk x acceptance x value - cost. With acceptance 0.5 and cost 10:
# ada 0.8 x 0.5 x 100 - 10 = 30, bob 0.4 x 0.5 x 100 - 10 = 10, cem 0.1 x 0.5 x 100 - 10 = -5.
CUSTOMERS = [
    ("ada", 1, 0.8, 100.0, "contact"),
    ("bob", 2, 0.4, 100.0, "beyond_budget"),
    ("cem", 3, 0.1, 100.0, "not_worth_it"),
    ("dan", 1, 0.9, 100.0, "opted_out"),
    ("eva", 1, 0.9, None, "unknown_value"),
]


def month_of(customers: list[tuple]) -> SimpleNamespace:
    """A published month of these customers: id, place of the tier, risk, value, decision."""
    connection = duckdb.connect()
    connection.execute(
        "create table customers (customer_id varchar, tier_place integer, "
        "churn_probability double, customer_value_eur double, decision varchar)"
    )
    connection.executemany("insert into customers values (?, ?, ?, ?, ?)", customers)
    connection.execute(f"create view plan as {plan_sql('customers')}")
    return SimpleNamespace(connection=connection)


@pytest.fixture
def month():
    """Five customers, of whom two must not or cannot be planned for."""
    return month_of(CUSTOMERS)


def offer(name: str, cost: float, rate: float) -> PublishedOffer:
    """An offer of that cost and acceptance."""
    return PublishedOffer(name=name, channel="phone", contact_cost_eur=cost, acceptance_rate=rate)


def test_whoever_pays_is_contacted_and_no_one_who_must_not_be(month):
    """Without a budget: ada and bob; cem does not pay, dan has opted out."""
    found = plan(month, Scenario((offer("call", 10, 0.5),), None))
    assert (found.contacts, found.cost_eur, found.profit_eur) == (2, 20, pytest.approx(40))
    assert found.churners_reached == pytest.approx(1.2)
    assert found.next_euro_eur is None
    assert found.curve[-1] == (20, pytest.approx(40))


def test_a_budget_takes_the_best_first_and_prices_the_next_euro(month):
    """With 15 EUR: ada alone; one more euro would go to bob, at 10 EUR for 10 EUR."""
    found = plan(month, Scenario((offer("call", 10, 0.5),), 15))
    assert (found.contacts, found.profit_eur) == (1, pytest.approx(30))
    assert found.next_euro_eur == pytest.approx(1.0)


def test_each_customer_gets_the_offer_that_pays_most(month):
    """A visit at 30 EUR that 0.9 accept: ada 42 against 30 by a call, bob 6 against 10."""
    found = plan(month, Scenario((offer("call", 10, 0.5), offer("visit", 30, 0.9)), None))
    assert [(row["offer"], row["contacts"]) for row in found.by_offer] == [
        ("call", 1),
        ("visit", 1),
    ]
    assert found.profit_eur == pytest.approx(52)


def test_no_offer_and_nobody_worth_it(month):
    """Nothing is planned, and nothing fails."""
    assert plan(month, Scenario((), None)).contacts == 0
    found = plan(month, Scenario((offer("gold", 500, 0.5),), 1_000))
    assert (found.contacts, found.next_euro_eur, found.by_offer) == (0, None, [])


def test_who_must_not_be_contacted_is_as_the_list_has_it():
    """The page's own names of these decisions are those of the contact list."""
    excluded = (contact_list.OPTED_OUT, contact_list.INELIGIBLE, contact_list.RECENTLY_CONTACTED)
    assert excluded == NOT_CONTACTABLE


def test_the_control_group_is_taken_off(month):
    """One of two is control: of ada and bob one is contacted, and half of 40 EUR is forgone; a
    budget of 10 EUR pays for both, since one of them costs nothing.
    """
    found = plan(month, Scenario((offer("call", 10, 0.5),), 10, control_run=2))
    assert (found.contacts, found.control, found.cost_eur) == (1, 1, 10)
    assert (found.profit_eur, found.control_eur) == (pytest.approx(20), pytest.approx(20))
    assert found.next_euro_eur is None


def test_a_capacity_limits_contacts(month):
    """One contact at most: ada; the next euro would go to bob, who brings 10 EUR for 10."""
    found = plan(month, Scenario((offer("call", 10, 0.5),), None, capacity=1))
    assert (found.contacts, found.profit_eur) == (1, pytest.approx(30))
    assert found.next_euro_eur == pytest.approx(1.0)


def test_a_tier_is_moved_to_another_offer_or_to_none(month):
    """Tier 1 moved to the letter: ada brings 0.8 x 0.2 x 100 - 5 = 11 in place of 30; tier 2 moved
    to no offer: bob is not contacted.
    """
    offers = (offer("call", 10, 0.5), offer("letter", 5, 0.2))
    found = plan(month, Scenario(offers, None, moved={1: "letter", 2: None}))
    assert [(row["offer"], row["contacts"]) for row in found.by_offer] == [("letter", 1)]
    assert found.profit_eur == pytest.approx(11)


def test_a_budget_ends_inside_a_step_as_a_sort_would():
    """A thousand customers of nearly one profit, so that they fall into few steps of the ranking:
    the plan is that of sorting them all.
    """
    risks = [0.5 + place / 100_000 for place in range(1_000)]
    month = month_of([(str(place), 1, risk, 100.0, "x") for place, risk in enumerate(risks)])
    found = plan(month, Scenario((offer("call", 10, 0.5),), 1_235))
    best = sorted(risks, reverse=True)
    assert (found.contacts, found.cost_eur) == (123, 1_230)
    assert found.churners_reached == pytest.approx(sum(best[:123]))
    assert found.profit_eur == pytest.approx(sum(risk * 50 - 10 for risk in best[:123]))
    assert found.next_euro_eur == pytest.approx((best[123] * 50 - 10) / 10)
