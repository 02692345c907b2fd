"""Whether a version is known to be broken."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date

import duckdb
import pytest

from churn_platform.monitoring.judged_outcomes import (
    fault_of_version,
    outcomes_of_month,
    outcomes_of_version,
)
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, MARCH, TINY

COLUMNS = {
    "month": "date",
    "model_version": "integer",
    "segment": "varchar",
    "features_month": "date",
    "auc": "double",
    "promised_auc": "double",
    "recall": "double",
    "churn_ratio": "double",
    "auc_gap_low": "double",
    "churn_ratio_low": "double",
    "churn_ratio_high": "double",
}
Connection = duckdb.DuckDBPyConnection


@pytest.fixture
def connection(lake: Lake) -> Iterator[Connection]:
    """A lake with an empty table of outcomes."""
    with closing(connect(lake)) as opened:
        ensure_table(opened, "tiny.model_performance", COLUMNS)
        yield opened


def add(connection: Connection, month: date, features_month: date, version: int, gap: float):
    """Outcomes whose AUC is at least so far below the promise."""
    row = [month, version, "all", features_month, 0.6, 0.8, 0.5, 1.0, gap, 0.9, 1.1]
    marks = ", ".join("?" * len(row))
    connection.execute(f"insert into tiny.model_performance values ({marks})", row)


def broken(connection: Connection, month: date) -> None:
    """Note that the feed of a month was broken."""
    ensure_table(connection, "tiny.data_contract", {"month": "date", "is_sound": "boolean"})
    connection.execute("insert into tiny.data_contract values (?, false)", [month])


def test_a_version_with_severe_outcomes_is_known_to_be_broken(connection: Connection):
    """In words that name month and figure; a notable month is not enough."""
    add(connection, FEBRUARY, JANUARY, 1, 0.2)
    add(connection, FEBRUARY, JANUARY, 2, 0.02)
    assert fault_of_version(connection, TINY, 1, FEBRUARY) == (
        "outcomes of 2025-02: AUC at least 0.200 below what the champion's probabilities promise"
    )
    assert fault_of_version(connection, TINY, 2, FEBRUARY) is None


def test_a_version_without_outcomes_is_not_known_to_be_broken(connection: Connection):
    """As in the first month of a champion, or before anything was measured."""
    assert fault_of_version(connection, TINY, 1, FEBRUARY) is None
    connection.execute("drop table tiny.model_performance")
    assert fault_of_version(connection, TINY, 1, FEBRUARY) is None


def test_the_newest_outcomes_of_a_version_count(connection: Connection):
    """One that keeps its promise again is not broken; what comes later is not known yet."""
    add(connection, FEBRUARY, JANUARY, 1, 0.2)
    add(connection, MARCH, FEBRUARY, 1, 0.0)
    assert fault_of_version(connection, TINY, 1, FEBRUARY) is not None
    assert fault_of_version(connection, TINY, 1, MARCH) is None


def test_outcomes_of_a_broken_feed_say_nothing_of_a_version(connection: Connection):
    """Those before them do."""
    add(connection, FEBRUARY, JANUARY, 1, 0.2)
    add(connection, MARCH, FEBRUARY, 1, 0.0)
    broken(connection, FEBRUARY)
    found = outcomes_of_version(connection, TINY, 1, MARCH)
    assert found is not None
    assert found.window.month == FEBRUARY


def test_of_several_feature_months_the_newest_counts(connection: Connection):
    """As in the decision."""
    add(connection, MARCH, FEBRUARY, 1, 0.0)
    add(connection, MARCH, JANUARY, 1, 0.2)
    found = outcomes_of_month(connection, TINY, MARCH)
    assert found is not None
    assert found.window.findings == ()
