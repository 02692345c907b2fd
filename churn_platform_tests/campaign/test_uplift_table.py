"""From the lists of earlier months to the decision about this one."""

import pytest

from churn_platform.campaign.contact_list import UPLIFT_TABLE, replace_contact_list
from churn_platform.campaign.uplift_table import (
    NAME,
    as_markdown,
    challenge_month,
    read_drawn,
    replace_challenge,
)
from churn_platform.months import shift
from churn_platform.scoring.score import SCORE_COLUMNS
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.campaign.conftest import with_campaign
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, MARCH

PORTFOLIO = with_campaign(control_share=0.25, uplift_min_customers=100, offers=())
LABELS = {"month": "date", "features_month": "date", "customer_id": "varchar", "churned": "boolean"}
CONTACTS = {
    "month": "date",
    "customer_id": "varchar",
    "is_accepted": "boolean",
    "cost_eur": "double",
}
FEATURES = {
    "month": "date",
    "customer_id": "varchar",
    "usage": "double",
    "tickets": "bigint",
    "is_late": "boolean",
    "plan": "varchar",
}
DRAW = (
    "('0x' || left(md5(customer_id), 8))::bigint / 4294967296"  # from 0 to 1, the same in every run
)


@pytest.fixture
def history(connection):
    """January and February with 1,200 customers each, whom a contact keeps if they pay late and
    drives away if not.

    January's list was worked off and its labels have come in February.
    """
    ensure_table(connection, "tiny.monthly_scores", SCORE_COLUMNS)
    ensure_table(connection, "tiny.customer_features", FEATURES)
    ensure_table(connection, "tiny.churn_labels", LABELS)
    ensure_table(connection, "tiny_raw.campaign_contacts", CONTACTS)
    for month in (JANUARY, FEBRUARY):
        customers = (
            "strftime($month, '%m-') || lpad(row::varchar, 4, '0') as customer_id "
            "from range(1200) as rows(row)"
        )
        connection.execute(
            "insert into tiny.monthly_scores by name select $month as month, "
            "0.5 + row / 4000 as churn_probability, "
            f"'high' as risk_tier, 1 as decile, [] as reasons, 3 as model_version, {customers}",
            {"month": month},
        )
        connection.execute(
            "insert into tiny.customer_features by name select $month as month, "
            "row * 37 % 100 as usage, 1 as tickets, "
            f"row % 2 = 0 as is_late, null as plan, {customers}",
            {"month": month},
        )
    replace_contact_list(connection, PORTFOLIO, JANUARY)
    connection.execute(
        "insert into tiny_raw.campaign_contacts select ?, customer_id, true, 1 "
        "from tiny.contact_list "
        "where role = 'contact'",
        [FEBRUARY],
    )
    leaves = "case when role = 'control' then 0.7 when is_late then 0.1 else 0.95 end"
    connection.execute(
        f"insert into tiny.churn_labels select ?, month, customer_id, {DRAW} < {leaves} "
        "from tiny.contact_list join tiny.customer_features using (month, customer_id)",
        [FEBRUARY],
    )
    return connection


def test_from_draws_to_a_list_by_uplift(history):
    """The decision finds that contacts help those who pay late alone, and February's list holds
    nobody else.
    """
    found, uplift = challenge_month(history, PORTFOLIO, FEBRUARY, threads=1)
    assert found.is_used, found.reason
    assert (found.treated, found.control) == (900, 300)
    replace_challenge(history, PORTFOLIO, FEBRUARY, found, uplift)
    replace_challenge(history, PORTFOLIO, FEBRUARY, found, uplift)
    assert history.execute(f"select month, is_used from tiny.{NAME}").fetchall() == [
        (FEBRUARY, True)
    ]
    assert history.execute(f"select count(*) from tiny.{UPLIFT_TABLE}").fetchall() == [(1200,)]
    replace_contact_list(history, PORTFOLIO, FEBRUARY)
    rows = history.execute(
        "select is_late, count(*) from tiny.contact_list join tiny.customer_features "
        "using (month, customer_id) "
        "where month = ? group by 1",
        [FEBRUARY],
    ).fetchall()
    by_lateness = dict(rows)
    assert by_lateness[True] > 500
    assert by_lateness.get(False, 0) < 60
    assert "difference" in as_markdown(found)


@invariant("Campaign", "Uplift learns nothing from outcomes that are still to come.")
def test_nothing_is_known_before_its_time(history):
    """In January none of this had happened: no draws, the list stays on churn, and any uplift of
    before is removed.
    """
    found, uplift = challenge_month(history, PORTFOLIO, JANUARY, threads=1)
    assert (found.treated, found.control, found.is_used, len(uplift)) == (0, 0, False, 0)
    assert found.reason.startswith("ranked by churn: 0 treated")
    replace_challenge(history, PORTFOLIO, JANUARY, found, uplift)
    assert len(as_markdown(found).splitlines()) == 6


def test_labels_still_to_come_do_not_count(history):
    """March knows January's outcomes once; February's list, whose labels are not there, adds
    nothing.
    """
    replace_contact_list(history, PORTFOLIO, FEBRUARY)
    history.execute(
        "insert into tiny_raw.campaign_contacts values (?, '02-0001', true, 1)", [MARCH]
    )
    assert (
        len(read_drawn(history, PORTFOLIO, MARCH))
        == len(read_drawn(history, PORTFOLIO, FEBRUARY))
        == 1200
    )
    assert len(read_drawn(history, PORTFOLIO, shift(MARCH, 1))) == 1200
