"""What agents record reaches lake, contacts and preferences exactly once."""

from contextlib import closing
from datetime import date, datetime

import pytest

from churn_platform.campaign.contact_list import replace_contact_list
from churn_platform.ingest.load import load_month
from churn_platform.ingest.recorded_outcomes import join_recorded
from churn_platform.portfolios.spec import Table
from churn_platform.serving_log.outcome_ingestion import ingest_outcomes
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.campaign.conftest import add_scores, with_campaign
from churn_platform_tests.support.outcomes import MID_JANUARY_US, closed_segment, outcome
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY

TINY = with_campaign(control_share=0)
NEW_YEAR_US = 1_735_689_600_000_000  # 2025-01-01 00:00 UTC
MONTH_US = 31 * 24 * 3600 * 1_000_000
CONTACT_COLUMNS = {
    "month": "date",
    "contact_id": "varchar",
    "customer_id": "varchar",
    "contacted_at": "timestamp",
    "channel": "varchar",
    "offer": "varchar",
    "is_accepted": "boolean",
}
PREFERENCE_COLUMNS = {
    "month": "date",
    "customer_id": "varchar",
    "is_opted_out": "boolean",
    "is_ineligible": "boolean",
}


@pytest.fixture
def connection(lake):
    """A lake with the raw tables of a campaign."""
    with closing(connect(lake)) as connection:
        ensure_table(connection, "tiny_raw.campaign_contacts", CONTACT_COLUMNS)
        ensure_table(connection, "tiny_raw.contact_preferences", PREFERENCE_COLUMNS)
        yield connection


def rows(connection, table: str, columns: str) -> list[tuple]:
    """Some columns of a table, in order."""
    return connection.execute(f"select {columns} from {table} order by all").fetchall()


def test_an_outcome_is_recorded_and_is_a_contact(connection, lake, tmp_path):
    """Accepted, declined and open answers become contacts; what was not offered is kept and is
    none.
    """
    answers = ["accepted", "declined", "thinking", "not offered"]
    recorded = [
        outcome(outcome_id=f"o{place}", customer_id=f"C{place}", answer=answer)
        for place, answer in enumerate(answers)
    ]
    closed_segment(tmp_path / "log", *recorded)
    assert ingest_outcomes(connection, lake, TINY, tmp_path / "log").predictions == 4
    assert rows(connection, "tiny.recorded_outcomes", "customer_id, answer, month") == [
        (f"C{place}", answer, JANUARY) for place, answer in enumerate(answers)
    ]
    assert rows(
        connection, "tiny_raw.campaign_contacts", "contact_id, is_accepted, contacted_at"
    ) == [
        ("o0", True, datetime(2025, 1, 15)),
        ("o1", False, datetime(2025, 1, 15)),
        ("o2", None, datetime(2025, 1, 15)),
    ]
    assert list((tmp_path / "log").glob("*.seg")) == []


def test_nothing_comes_twice(connection, lake, tmp_path):
    """A segment that is there again, an outcome in two segments and a repeated join add no row."""
    for _ in range(2):
        closed_segment(tmp_path / "log", outcome())
    ingest_outcomes(connection, lake, TINY, tmp_path / "log")
    join_recorded(connection, TINY, JANUARY)
    assert len(rows(connection, "tiny.recorded_outcomes", "outcome_id")) == 1
    assert len(rows(connection, "tiny_raw.campaign_contacts", "contact_id")) == 1


def test_a_contact_that_the_operator_delivers_too_is_one(connection, lake, tmp_path):
    """Same customer, offer and day: its cost must not count twice."""
    connection.execute(
        "insert into tiny_raw.campaign_contacts values "
        "(?, 'crm-7', 'C1', '2025-01-15 09:00', 'phone', 'retention_offer', true)",
        [JANUARY],
    )
    closed_segment(tmp_path / "log", outcome())
    ingest_outcomes(connection, lake, TINY, tmp_path / "log")
    assert rows(connection, "tiny_raw.campaign_contacts", "contact_id") == [("crm-7",)]


def test_the_operators_own_evening_is_in_its_month(connection, lake, tmp_path):
    """In Chicago it is still the last of January, on which its own system delivers the contact."""
    chicago = TINY.model_copy(update={"timezone": "America/Chicago"})
    connection.execute(
        "insert into tiny_raw.campaign_contacts values "
        "(?, 'crm-7', 'C1', '2025-01-31 15:00', 'phone', 'retention_offer', true)",
        [JANUARY],
    )
    late_us = (31 * 24 + 2) * 3600 * 1_000_000
    closed_segment(tmp_path / "log", outcome(at_us=NEW_YEAR_US + late_us))
    ingest_outcomes(connection, lake, chicago, tmp_path / "log")
    assert rows(connection, "tiny.recorded_outcomes", "month, recorded_at") == [
        (JANUARY, datetime(2025, 2, 1, 2))
    ]
    assert rows(connection, "tiny_raw.campaign_contacts", "contact_id") == [("crm-7",)]


def test_who_refuses_contacts_is_on_no_list_from_then_on(connection, lake, tmp_path):
    """The preference is there, and hides none that the operator delivered before."""
    connection.execute(
        "insert into tiny_raw.contact_preferences values (?, 'C2', true, null)", [JANUARY]
    )
    later = outcome(do_not_contact=True, answer="declined", at_us=MID_JANUARY_US + MONTH_US)
    closed_segment(tmp_path / "log", later)
    ingest_outcomes(connection, lake, TINY, tmp_path / "log")
    assert rows(connection, "tiny_raw.contact_preferences", "month, customer_id, is_opted_out") == [
        (JANUARY, "C2", True),
        (FEBRUARY, "C1", True),
    ]
    add_scores(connection, dict.fromkeys(("C1", "C2", "C3"), 0.9))
    connection.execute("update tiny.monthly_scores set month = ?", [FEBRUARY])
    replace_contact_list(connection, TINY, FEBRUARY)
    assert rows(connection, "tiny.contact_list", "customer_id") == [("C3",)]


def test_a_new_delivery_of_the_month_keeps_what_was_recorded(connection, lake, tmp_path):
    """Materializing the raw table again, here without a file, brings the contact back."""
    closed_segment(tmp_path / "log", outcome())
    ingest_outcomes(connection, lake, TINY, tmp_path / "log")
    table = Table.model_validate(
        {
            "name": "campaign_contacts",
            "description": "Contacts.",
            "key": "contact_id",
            "event_time": "contacted_at",
            "customer": "customer_id",
            "optional": True,
            "columns": [
                {"name": "contact_id", "type": "string", "description": "Number."},
                {"name": "customer_id", "type": "string", "description": "Who."},
                {"name": "contacted_at", "type": "timestamp", "description": "When."},
                {"name": "channel", "type": "string", "description": "How."},
                {"name": "offer", "type": "string", "description": "What."},
                {
                    "name": "is_accepted",
                    "type": "boolean",
                    "required": False,
                    "description": "Taken.",
                },
            ],
        }
    )
    load_month(
        connection, lake, TINY, table, JANUARY, landing_dir=tmp_path / "landing", hash_key="k" * 32
    )
    assert rows(connection, "tiny_raw.campaign_contacts", "contact_id") == [("o1",)]
    assert rows(connection, "tiny.recorded_outcomes", "call_back_on") == [(None,)]


def test_a_day_to_call_back_is_a_date(connection, lake, tmp_path):
    """It is kept as the day that the agent chose."""
    closed_segment(tmp_path / "log", outcome(answer="thinking", call_back_on="2025-02-03"))
    ingest_outcomes(connection, lake, TINY, tmp_path / "log")
    assert rows(connection, "tiny.recorded_outcomes", "call_back_on") == [(date(2025, 2, 3),)]
