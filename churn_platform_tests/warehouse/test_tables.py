"""A month is replaced as a whole, or not at all."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import duckdb
import pytest

from churn_platform.errors import WarehouseBusyError
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import (
    current_snapshot,
    ensure_table,
    read_rows,
    replace_month,
    table_exists,
    transaction,
    write,
)
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY

TABLE, COLUMNS = "s.t", {"month": "date", "x": "integer"}


@pytest.fixture
def connection(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A lake with two rows in January and one in February."""
    with closing(connect(lake)) as connection:
        with transaction(connection):
            ensure_table(connection, TABLE, COLUMNS)
            replace_month(connection, TABLE, JANUARY, months_rows(JANUARY, 1, 2))
            replace_month(connection, TABLE, FEBRUARY, months_rows(FEBRUARY, 3))
        yield connection


def months_rows(month, *values: int) -> str:
    """A query for rows of a month; its columns are in another order than the table's."""
    return " union all ".join(f"select {value} as x, date '{month}' as month" for value in values)


def values(connection: duckdb.DuckDBPyConnection, suffix: str = "") -> list[int]:
    """Every x of the table."""
    return [
        row[0]
        for row in connection.execute(f"select x from {TABLE} {suffix} order by x").fetchall()
    ]


def test_replacing_a_month_leaves_the_others(connection):
    """Rows of the month go, the new ones come, whatever the order of the query's columns."""
    assert replace_month(connection, TABLE, JANUARY, months_rows(JANUARY, 7, 8, 9)) == 3
    assert values(connection) == [3, 7, 8, 9]


def test_replacing_twice_is_replacing_once(connection):
    """The same month written again gives the same table."""
    for _ in range(2):
        replace_month(connection, TABLE, JANUARY, months_rows(JANUARY, 1, 2))
    assert values(connection) == [1, 2, 3]


def test_an_exception_rolls_back(connection, lake):
    """After an error inside, the table is as it was and the connection is usable."""
    before = current_snapshot(connection)

    def work():
        replace_month(connection, TABLE, JANUARY, months_rows(JANUARY, 9))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(connection, lake, work)
    assert (values(connection), current_snapshot(connection)) == ([1, 2, 3], before)
    assert (
        write(
            connection,
            lake,
            lambda: replace_month(connection, TABLE, JANUARY, months_rows(JANUARY, 4)),
        )
        == 1
    )


def test_an_older_version_shows_the_older_rows(connection, lake):
    """A snapshot's number leads back to its rows, whatever was written since."""
    snapshot = current_snapshot(connection)
    write(
        connection, lake, lambda: replace_month(connection, TABLE, JANUARY, months_rows(JANUARY, 9))
    )
    assert values(connection) == [3, 9]
    assert values(connection, f"at (version => {snapshot})") == [1, 2, 3]


def test_a_note_stays_with_the_snapshot(connection, lake):
    """What was written when can be read from the lake's history."""
    note = "January's rows, again"
    write(
        connection,
        lake,
        lambda: replace_month(connection, TABLE, JANUARY, months_rows(JANUARY, 1)),
        note=note,
    )
    history = connection.execute(
        "select commit_message from lake.snapshots() order by snapshot_id"
    ).fetchall()
    assert history[-1] == (note,)


def test_ensuring_a_table_twice_keeps_its_rows(connection):
    """An existing table is left alone."""
    ensure_table(connection, TABLE, COLUMNS)
    assert values(connection) == [1, 2, 3]


def test_rows_of_a_month_are_read_as_dictionaries(connection):
    """A small table's month comes by name; a table that does not exist has no rows."""
    assert read_rows(connection, TABLE, FEBRUARY) == [{"month": FEBRUARY, "x": 3}]
    assert read_rows(connection, "s.none", FEBRUARY) == []
    assert not table_exists(connection, "none.none")


def test_a_busy_catalog_is_tried_again(connection, lake):
    """A refused commit is repeated as a whole until it goes through."""
    tries = []

    def work():
        tries.append(replace_month(connection, TABLE, JANUARY, months_rows(JANUARY, 5)))
        if len(tries) < 3:
            raise duckdb.TransactionException("database is locked")

    write(connection, lake, work)
    assert (len(tries), values(connection)) == (3, [3, 5])


def test_a_catalog_that_stays_busy_is_given_up(connection, lake):
    """After the wait, the error says how long it was and which setting to raise."""

    def work():
        raise duckdb.TransactionException("Transaction conflict")

    with pytest.raises(
        WarehouseBusyError, match=r"stayed busy for 0\.2 s.*CHURN_WAREHOUSE_WAIT_SECONDS"
    ):
        write(connection, replace(lake, wait_seconds=0.2), work)


def test_any_other_error_is_not_tried_again(connection, lake):
    """A query that is wrong fails once, as it is."""
    tries = []

    def work():
        tries.append(1)
        connection.execute("select * from nowhere")

    with pytest.raises(duckdb.CatalogException):
        write(connection, lake, work)
    assert len(tries) == 1


@invariant("Time and data", "An older table gains the columns that it lacks.")
def test_a_table_gains_the_columns_it_lacks(connection):
    """A column thought of later is added, null in the rows there are; other
    tables and months stay.
    """
    for _ in range(2):
        with transaction(connection):
            ensure_table(connection, TABLE, COLUMNS | {"new": "varchar"})
    assert read_rows(connection, TABLE, FEBRUARY) == [{"month": FEBRUARY, "x": 3, "new": None}]
    assert len(read_rows(connection, TABLE, JANUARY)) == 2
