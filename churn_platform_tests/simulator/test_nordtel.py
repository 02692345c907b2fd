"""The simulated world as the tables of an operator of its own."""

from collections.abc import Iterator
from contextlib import closing

import duckdb
import pytest

from churn_platform.simulator import coefficients as c
from churn_platform.simulator.coefficients import USUAL_MIX
from churn_platform.simulator.nordtel import TABLES, write_nordtel


@pytest.fixture(scope="module")
def nordtel(small_world) -> Iterator[duckdb.DuckDBPyConnection]:
    """The small world, written to a database."""
    with closing(duckdb.connect()) as connection:
        connection.execute("attach ':memory:' as there")
        write_nordtel(connection, small_world / "landing" / "telecomit", database="there")
        connection.execute("use there")
        yield connection


def test_every_row_is_there(nordtel, small_world):
    """Under another name, and without the app's sessions."""
    for target, (table, _, _) in TABLES.items():
        files = f"'{small_world}/landing/telecomit/{table}/*.parquet'"
        counted = f"select (select count(*) from {target}), (select count(*) from {files})"
        there, here = nordtel.execute(counted).fetchone()
        assert there == here > 0


def test_a_month_of_customers_is_told_by_its_last_day(nordtel):
    """As a system does that keeps what was true at a day."""
    days = nordtel.execute("select distinct stand from crm.kunden order by 1").fetchall()
    assert [f"{day}" for (day,) in days] == ["2025-01-31", "2025-02-28", "2025-03-31"]


def test_some_rows_are_broken(nordtel):
    """About five of a thousand, in each table of events."""
    broken = {
        "billing.zahlungen": "betrag = 'n/a'",
        "rating.verbindungen": "service_type = '?'",
        "care.tickets": "topic = '??'",
    }
    for table, condition in broken.items():
        wrong, rows = nordtel.execute(
            f"select count_if({condition}), count(*) from {table}"
        ).fetchone()
        assert 0 < wrong < 0.02 * rows


def test_no_level_is_left_without_a_name(nordtel):
    """Each of the contract's has one of nordtel's."""
    for column in ("zustand", "tarif_typ", "zahlungsart", "geschlecht", "bundesland"):
        missing = f"select count(*) from crm.kunden where {column} is null"
        assert nordtel.execute(missing).fetchone() == (0,)


def test_prepaid_can_have_another_share():
    """The others keep their proportions."""
    mix = c.with_prepaid(USUAL_MIX, 0.5)
    assert mix.contract == pytest.approx((0.5, 2 / 15, 0.2, 1 / 6))
    assert mix.region == USUAL_MIX.region
