"""The landed files: shape, keys, times, and what may appear in them."""

from pathlib import Path

import duckdb
import pytest

from churn_platform.simulator.schema import load_telecomit
from churn_platform.simulator.simulate import CAMPAIGN

TELECOMIT = load_telecomit()
WRITTEN = [table for table in TELECOMIT.tables if table.name != CAMPAIGN]
DUCKDB_TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}


def landed(world: Path, table: str, month: str = "2025-02") -> str:
    """The file of a table, quoted for SQL."""
    return f"'{world}/landing/telecomit/{table}/{month}.parquet'"


@pytest.mark.parametrize("table", WRITTEN, ids=lambda table: table.name)
class TestEveryTable:
    """Holds for each table of the spec but the contacts of a campaign, of which this world has
    none.
    """

    def test_columns_and_types(self, small_world, table):
        """A file has the columns of the spec, in its order and types."""
        described = duckdb.sql(
            f"describe select * from {landed(small_world, table.name)}"
        ).fetchall()
        wanted = [(column.header, DUCKDB_TYPES[column.type]) for column in table.columns]
        assert [row[:2] for row in described] == wanted

    def test_levels(self, small_world, table):
        """A column with levels holds all of them and nothing else."""
        for column in table.columns:
            if column.levels:
                found = duckdb.sql(
                    f"select distinct {column.name} from {landed(small_world, table.name)}"
                ).fetchall()
                assert {value for (value,) in found} == set(column.levels)

    def test_required_columns_are_filled(self, small_world, table):
        """A required column has no empty value."""
        for column in table.columns:
            if column.required:
                sql = (
                    f"select count(*) from {landed(small_world, table.name)} "
                    f"where {column.name} is null"
                )
                assert duckdb.sql(sql).fetchone() == (0,)

    def test_key_is_unique(self, query, table):
        """A key names one row within a month and is short enough for DuckDB to hold inline."""
        rows = query(
            f"select count(*), count(distinct (month, {table.key})), "
            f"max(length({table.key})) <= 12 from {table.name}"
        )
        assert rows[0][0] == rows[0][1] > 0
        assert rows[0][2]

    def test_event_time_in_month(self, query, table):
        """An event lies in the month of its file."""
        if table.event_time:
            sql = (
                f"select count(*) from {table.name} where strftime({table.event_time}, "
                "'%Y-%m') <> month"
            )
            assert query(sql) == [(0,)]

    def test_customer_is_known(self, query, table):
        """An event belongs to a customer of the same month."""
        if table.customer:
            sql = (
                f"select count(*) from {table.name} anti join customers using (customer_id, month)"
            )
            assert query(sql) == [(0,)]

    def test_events_within_membership(self, query, table):
        """No event precedes the sign-up or follows the day of leaving."""
        if table.event_time:
            day = f"{table.event_time}::date"
            sql = f"""
                select count(*) from {table.name} join customers using (customer_id, month)
                where {day} < signup_date or {day} > churn_date
            """
            assert query(sql) == [(0,)]


def test_truth_covers_the_start_of_the_month(query):
    """Truth has one row per customer active at the end of the month before, and agrees with the
    customer file.
    """
    february = "select customer_id, churned from truth where month = '2025-02'"
    january = "select customer_id from customers where month = '2025-01' and status = 'active'"
    assert query(
        f"select count(*) from ({february}) full join ({january}) a using (customer_id)"
    ) == [(1500,)]
    sql = f"""
        select count(*) from ({february}) t join customers c using (customer_id)
        where c.month = '2025-02' and (c.status = 'churned') <> t.churned
    """
    assert query(sql) == [(0,)]
