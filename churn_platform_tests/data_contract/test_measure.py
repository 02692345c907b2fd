"""Measures of a month, worked out by hand."""

from contextlib import closing
from datetime import date

import pytest

from churn_platform.data_contract.measure import measure_month
from churn_platform.ingest.load import raw_columns, raw_table
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, TINY

CUSTOMERS = [
    (JANUARY, "a", 1, 10.0, None),
    (JANUARY, "b", 2, 40.0, date(2024, 1, 1)),
    (FEBRUARY, "a", 1, 1.0, None),
]
CALLS = [
    (JANUARY, "1", "a", "2025-01-01 10:00", 7, 0, True, "voice", None),
    (JANUARY, "2", "a", "2025-01-01 23:59", None, 10, False, "voice", -1.0),
    (JANUARY, "3", "a", "2025-01-31 00:00", None, 1000, False, "sms", 100.0),
    (FEBRUARY, "1", "a", "2025-02-01 00:00", None, 5, False, "sms", 5.0),
]


def measured(lake: Lake, table: str) -> dict[tuple[str, str], float | None]:
    """Measures of January by column and name, in a lake of two customers and three calls."""
    with closing(connect(lake)) as connection:
        for name, rows in (("customers", CUSTOMERS), ("calls", CALLS)):
            target = raw_table(TINY, TINY.table(name))
            ensure_table(connection, target, raw_columns(TINY.table(name)))
            for row in rows:
                connection.execute(
                    f"insert into {target} values ({', '.join('?' * len(row))})", list(row)
                )
        return {
            (it.column, it.name): it.value
            for it in measure_month(connection, TINY, TINY.table(table), JANUARY)
        }


def test_every_measure_of_customers(lake: Lake):
    """Two customers, plans of 10 and 40 euros: a geometric mean of 20; half of the days of joining
    are missing.
    """
    assert measured(lake, "customers") == {
        ("", "rows"): 2,
        ("plan_eur", "zero"): 0,
        ("plan_eur", "negative"): 0,
        ("plan_eur", "size"): 20,
        ("joined_date", "missing"): 0.5,
    }


def test_every_measure_of_events(lake: Lake):
    """Three calls of two customers on two of 31 days; zeros and signs do not count for the size,
    months do not mix.
    """
    third = pytest.approx(1 / 3, abs=1e-6)
    two_thirds = pytest.approx(2 / 3, abs=1e-6)
    assert measured(lake, "calls") == {
        ("", "rows"): 3,
        ("", "rows per customer"): 1.5,
        ("", "silent days"): 29,
        ("contact", "missing"): two_thirds,
        ("duration_s", "zero"): third,
        ("duration_s", "negative"): 0,
        ("duration_s", "size"): 100,
        ("is_dropped", "level true"): third,
        ("is_dropped", "level false"): two_thirds,
        ("kind", "unknown level"): 0,
        ("kind", "level voice"): two_thirds,
        ("kind", "level sms"): third,
        ("cost_eur", "missing"): third,
        ("cost_eur", "zero"): 0,
        ("cost_eur", "negative"): third,
        ("cost_eur", "size"): 10,
    }
