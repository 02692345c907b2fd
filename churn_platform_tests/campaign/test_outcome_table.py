"""From list, contacts and labels in the lake to the outcome of a campaign."""

import pytest

from churn_platform.campaign.contact_list import held_out_sql, replace_contact_list
from churn_platform.campaign.outcome_table import NAME, find_outcome, replace_outcome
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.campaign.conftest import add_scores, with_campaign
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, MARCH

PORTFOLIO = with_campaign(control_share=0.05)
CONTACTS = {
    "month": "date",
    "customer_id": "varchar",
    "is_accepted": "boolean",
    "cost_eur": "double",
}


@pytest.fixture
def campaign(connection):
    """January's list of 400 customers, 20 of them control, before anything came of it."""
    add_scores(connection, {f"C{number:03}": 0.6 + number / 2000 for number in range(400)})
    replace_contact_list(connection, PORTFOLIO, JANUARY)
    ensure_table(connection, "tiny_raw.campaign_contacts", CONTACTS)
    ensure_table(
        connection,
        "tiny.churn_labels",
        {"month": "date", "features_month": "date", "customer_id": "varchar", "churned": "boolean"},
    )
    return connection


def contact(connection, count):
    """Contact the first so many of the list in February; every second accepts; the first costs 50
    EUR, others as planned.
    """
    connection.execute(
        "insert into tiny_raw.campaign_contacts "
        "select ?, customer_id, number % 2 = 0, if(number = 1, 50, null) from ("
        "select customer_id, row_number() over (order by list_rank) as number "
        "from tiny.contact_list "
        "where role = 'contact') where number <= ?",
        [FEBRUARY, count],
    )


def mature(connection, *, control_left):
    """February's labels: nobody contacted leaves, and so many of the control group do."""
    connection.execute(
        "insert into tiny.churn_labels select ?, month, customer_id, role = 'control' and "
        "row_number() over (partition by role order by customer_id) <= ? from tiny.contact_list",
        [FEBRUARY, control_left],
    )


def test_from_the_list_to_what_it_earned(campaign):
    """12 of 20 control customers left and nobody else: 380 x 0.6 customers kept, for 380 contacts
    of which one was dearer.
    """
    contact(campaign, 380)
    mature(campaign, control_left=12)
    rows = find_outcome(campaign, PORTFOLIO, FEBRUARY)
    replace_outcome(campaign, PORTFOLIO, FEBRUARY, rows)
    assert campaign.execute(
        "select period, treated, control, contacted, kept, cost_eur, response_rate, "
        f"is_trusted from tiny.{NAME}"
    ).fetchall() == [
        ("month", 380, 20, 380, pytest.approx(228), 379 * 35 + 50, 0.5, True),
        ("to date", 380, 20, 380, pytest.approx(228), 379 * 35 + 50, 0.5, True),
    ]
    assert find_outcome(campaign, PORTFOLIO, FEBRUARY) == rows


def test_a_list_that_nobody_worked_off_has_no_outcome(campaign):
    """Labels without contacts: no campaign took place. Contacts without labels: nothing matured."""
    mature(campaign, control_left=12)
    assert find_outcome(campaign, PORTFOLIO, FEBRUARY) == []
    contact(campaign, 380)
    assert find_outcome(campaign, PORTFOLIO, MARCH) == []


def test_a_customer_contacted_twice_counts_once(campaign):
    """Two contacts of everybody: as many treated customers, at twice the cost."""
    contact(campaign, 380)
    contact(campaign, 380)
    mature(campaign, control_left=12)
    row, _ = find_outcome(campaign, PORTFOLIO, FEBRUARY)
    assert (row["treated"], row["contacted"], row["cost_eur"]) == (380, 380, 2 * (379 * 35 + 50))


@invariant("Campaign", "A list that was worked off keeps its draw.")
def test_a_list_that_was_worked_off_stays_as_it_is(campaign):
    """Other scores come after the contacts: the draw that the outcome rests on is not made anew."""
    before = campaign.execute("select * from tiny.contact_list order by customer_id").fetchall()
    contact(campaign, 10)
    campaign.execute("update tiny.monthly_scores set churn_probability = 1.3 - churn_probability")
    assert replace_contact_list(campaign, PORTFOLIO, JANUARY) == 400
    assert (
        campaign.execute("select * from tiny.contact_list order by customer_id").fetchall()
        == before
    )


def test_the_standing_hold_out_measures_all_campaigns_together(campaign):
    """Whoever is held out left, everybody else stayed: an effect of 1 on all the others."""
    portfolio = with_campaign(control_share=0.05, holdout_share=0.1)
    held_out = held_out_sql(portfolio.campaign, "customer_id")
    contact(campaign, 100)
    campaign.execute(f"delete from tiny_raw.campaign_contacts where {held_out}")
    campaign.execute(
        f"insert into tiny.churn_labels select ?, month, customer_id, {held_out} "
        "from tiny.monthly_scores",
        [FEBRUARY],
    )
    rows = {row["period"]: row for row in find_outcome(campaign, portfolio, FEBRUARY)}
    programme = rows["programme"]
    assert programme["treated"] + programme["control"] == 400
    assert programme["effect"] == 1.0
    assert programme["control_contacted"] == 0
    assert 60 < programme["contacted"] <= 100
    assert rows["programme to date"]["kept"] == pytest.approx(programme["treated"])
