"""Rows of customers who were erased or refuse contacts never leave."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date

import duckdb
import pytest

from churn_platform.campaign.contact_list import COLUMNS as LIST_COLUMNS
from churn_platform.destinations.result_rows import result_rows
from churn_platform.ingest.hashing import set_keys
from churn_platform.ingest.suppression import suppress
from churn_platform.scoring.score import SCORE_COLUMNS
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import ensure_table, replace_dicts
from churn_platform_tests.support.tiny import JANUARY, MARCH, TINY

CUSTOMERS = ("C1", "C2", "C3", "C4")


@pytest.fixture
def connection(lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A lake with four scored customers: C2 opted out later, C3 was erased."""
    with closing(connect(lake)) as connection:
        set_keys(connection, "k" * 32)
        scores = [
            {
                "customer_id": customer,
                "churn_probability": 0.5,
                "risk_tier": "high",
                "decile": 1,
                "reasons": ["first", "second"],
                "model_version": 1,
            }
            for customer in CUSTOMERS
        ]
        replace_dicts(connection, "tiny.monthly_scores", SCORE_COLUMNS, JANUARY, scores)
        preferences = {"month": "date", "customer_id": "varchar", "is_opted_out": "boolean"}
        ensure_table(connection, "tiny_raw.contact_preferences", preferences)
        connection.execute(
            "insert into tiny_raw.contact_preferences values (?, 'C2', false), (?, 'C2', true), "
            "(?, 'C4', true), (?, 'C4', false)",
            [JANUARY, MARCH, JANUARY, MARCH],
        )
        suppress(connection, "tiny", JANUARY, customer_id="C3", numbers=[])
        yield connection


def listed(connection, **changes) -> None:
    """A contact list of all four."""
    rows = []
    for place, customer in enumerate(CUSTOMERS, start=1):
        row = dict.fromkeys(LIST_COLUMNS)
        del row["month"]
        row |= {"customer_id": customer, "list_rank": place, "role": "contact", "model_version": 1}
        rows.append(row | (changes if customer == "C1" else {}))
    replace_dicts(connection, "tiny.contact_list", LIST_COLUMNS, JANUARY, rows)


def customers(connection, result: str, month: date = JANUARY) -> list[str]:
    """Whose rows leave."""
    rows = result_rows(connection, TINY, result, month)
    return rows.column("customer_id").to_pylist()


def test_who_was_erased_or_says_no_is_left_out(connection):
    """By the newest that a customer said, also in a month before it."""
    assert customers(connection, "monthly_scores") == ["C1", "C4"]
    rows = result_rows(connection, TINY, "monthly_scores", JANUARY).to_pylist()
    assert rows[0]["reason_2"] == "second" and rows[0]["reason_3"] is None


def test_the_control_group_stays_here(connection):
    """Who is told of it would contact it."""
    listed(connection, role="control")
    assert customers(connection, "contact_list") == ["C4"]


def test_a_list_that_is_held_back_is_not_sent(connection):
    """No rows at all are another thing than a list that names nobody."""
    listed(connection, held_because="the model is broken")
    assert result_rows(connection, TINY, "contact_list", JANUARY) is None
