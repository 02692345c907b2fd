"""Every scored customer has one decision, and it is the list's."""

import pytest

from churn_platform.campaign.contact_decisions import (
    COLUMNS,
    count_decisions,
    replace_decisions,
)
from churn_platform.campaign.contact_list import replace_contact_list
from churn_platform.months import shift
from churn_platform_tests.campaign.conftest import (
    add_campaign_rows,
    add_scores,
    add_uplift,
    with_campaign,
)
from churn_platform_tests.support.tiny import JANUARY

MESSAGE = {"name": "sms", "channel": "sms", "contact_cost_eur": 10, "acceptance_rate": 0.2}
CALL = {"name": "call", "channel": "phone", "contact_cost_eur": 35, "acceptance_rate": 0.4}


def decided(connection, portfolio, *, is_handed_over: bool = False) -> dict[str, dict]:
    """January's decisions by customer, after its list."""
    replace_contact_list(connection, portfolio, JANUARY, is_handed_over=is_handed_over)
    replace_decisions(connection, portfolio, JANUARY, is_handed_over=is_handed_over)
    result = connection.execute("select * from tiny.contact_decisions where month = ?", [JANUARY])
    columns = [column[0] for column in result.description]
    rows = [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
    assert all(set(row) == set(COLUMNS) for row in rows)
    by_customer = {row["customer_id"]: row for row in rows}
    assert len(by_customer) == len(rows)
    return by_customer


def test_each_reason_is_told_by_hand(connection):
    """With 35 EUR for contacts A is called and B is one place behind; C would lose 17 EUR; what a
    customer wants comes before what was lately done.
    """
    add_scores(connection, {"A": 0.9, "B": 0.8, "C": 0.25, "D": 0.9, "E": 0.9, "F": 0.9})
    preferences = [(JANUARY, "D", True, True), (JANUARY, "E", False, True)]
    add_campaign_rows(connection, "contact_preferences", preferences)
    last = shift(JANUARY, -1)
    add_campaign_rows(connection, "campaign_contacts", [(last, "F"), (last, "D")])
    rows = decided(connection, with_campaign(control_share=0, budget_eur=35))
    assert {name: row["decision"] for name, row in rows.items()} == {
        "A": "contact",
        "B": "beyond_budget",
        "C": "not_worth_it",
        "D": "opted_out",
        "E": "ineligible",
        "F": "recently_contacted",
    }
    assert (rows["A"]["list_rank"], rows["A"]["ranks_beyond"]) == (1, None)
    assert (rows["B"]["list_rank"], rows["B"]["ranks_beyond"]) == (2, 1)
    assert rows["C"]["shortfall_eur"] == pytest.approx(35 - 0.25 * 0.4 * 180)
    assert rows["F"]["last_contact_month"] == last


def test_uplift_decides_where_it_ranks_the_list(connection):
    """B's contact loses 35 - 0.1 x 180 = 17 EUR although B is likely to leave; of C nobody
    knows.
    """
    add_scores(connection, {"A": 0.9, "B": 0.9, "C": 0.9, "D": 0.1})
    add_uplift(connection, {"A": 0.5, "B": 0.1})
    rows = decided(connection, with_campaign(control_share=0))
    assert {name: row["decision"] for name, row in rows.items()} == {
        "A": "contact",
        "B": "not_worth_it",
        "C": "unknown_uplift",
        "D": "not_worth_it",
    }
    assert rows["B"]["shortfall_eur"] == pytest.approx(17)
    assert rows["D"]["shortfall_eur"] == pytest.approx(35 - 0.1 * 0.4 * 180)


@pytest.mark.parametrize(
    "campaign",
    [
        {"control_share": 0.2},
        {"control_share": 0.2, "budget_eur": 500},
        {"control_share": 0.1, "capacity": 7},
        {"control_share": 0.25, "budget_eur": 300, "offers": [MESSAGE, CALL]},
    ],
)
def test_decisions_are_the_list(connection, campaign):
    """Whatever the limits: contact and control are the rows of the list with the same place, and
    no one else is listed.
    """
    add_scores(connection, {f"C{place:03d}": place / 100 for place in range(1, 100)})
    portfolio = with_campaign(**campaign)
    rows = decided(connection, portfolio)
    listed = connection.execute(
        "select customer_id, role, list_rank, offer, expected_profit_eur from tiny.contact_list"
    ).fetchall()
    told = [
        (name, *(row[key] for key in ("decision", "list_rank", "offer", "expected_profit_eur")))
        for name, row in rows.items()
        if row["decision"] in ("contact", "control")
    ]
    assert sorted(told) == sorted(listed)
    assert len(rows) == 99
    assert sum(count_decisions(connection, portfolio, JANUARY).values()) == 99
    beyond = [row["ranks_beyond"] for row in rows.values() if row["decision"] == "beyond_budget"]
    assert all(places >= 1 for places in beyond)
    assert bool(beyond) == ("budget_eur" in campaign or "capacity" in campaign)


def test_a_list_that_was_handed_over_keeps_its_decisions(connection):
    """Later scores neither move the list nor its reasons; a customer who is scored only now was
    not drawn.
    """
    add_scores(connection, {"A": 0.9, "B": 0.3})
    portfolio = with_campaign(control_share=0)
    before = decided(connection, portfolio)
    connection.execute("update tiny.monthly_scores set churn_probability = 0.8")
    assert decided(connection, portfolio, is_handed_over=True) == before
    add_scores(connection, {"C": 0.95})
    after = decided(connection, portfolio, is_handed_over=True)
    assert after["A"]["decision"] == "contact"
    assert after["C"]["decision"] == "not_drawn"


def test_without_a_price_the_value_is_not_known(connection):
    """A customer without the feature that the value is made of is told apart from a poor one."""
    connection.execute("create schema if not exists tiny")
    connection.execute(
        "create table tiny.customer_features (month date, customer_id varchar, usage double)"
    )
    connection.execute(
        "insert into tiny.customer_features values (?, 'A', 600), (?, 'B', null)",
        [JANUARY, JANUARY],
    )
    add_scores(connection, {"A": 0.5, "B": 0.5})
    value = {"price_feature": "usage", "margin": 0.5, "horizon_months": 24}
    rows = decided(connection, with_campaign(control_share=0, value=value))
    assert {name: row["decision"] for name, row in rows.items()} == {
        "A": "contact",
        "B": "unknown_value",
    }
