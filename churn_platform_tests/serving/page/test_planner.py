"""A plan follows the rules of the contact list, worked out by hand."""

from types import SimpleNamespace

import duckdb
import pytest

from churn_platform.published.page_bundle import PublishedOffer
from serving.page.planner import Scenario, plan

# Profit of an offer: risk x acceptance x value - cost. With acceptance 0.5 and cost 10:
# ada 0.8 x 0.5 x 100 - 10 = 30, bob 0.4 x 0.5 x 100 - 10 = 10, cem 0.1 x 0.5 x 100 - 10 = -5.
CUSTOMERS = [
    ("ada", 0.8, 100.0, "contacted"),
    ("bob", 0.4, 100.0, "beyond_budget"),
    ("cem", 0.1, 100.0, "not_worth_it"),
    ("dan", 0.9, 100.0, "opted_out"),
]


@pytest.fixture
def month():
    """A published month of four customers."""
    connection = duckdb.connect()
    connection.execute(
        "create table customers (customer_id varchar, churn_probability double, "
        "customer_value_eur double, decision varchar)"
    )
    connection.executemany("insert into customers values (?, ?, ?, ?)", CUSTOMERS)
    return SimpleNamespace(connection=connection)


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
