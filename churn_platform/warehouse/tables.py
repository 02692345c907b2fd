"""Tables of the lake: partitioned by month, a month replaced in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
from tenacity import RetryError

from churn_platform.errors import UnreadableMonthError
from churn_platform.sql import identifier
from churn_platform.warehouse.damage import drop_damaged
from churn_platform.warehouse.lake import NAME, Lake, attempts, busy_error, is_busy
from churn_platform.warehouse.lake_files import checksums_kept
from churn_platform.warehouse.lake_notes import forget_dropped
from churn_platform.warehouse.lock import writer_lock
from churn_platform.warehouse.server_errors import server_errors_told

Result = TypeVar("Result")


def write(
    connection: duckdb.DuckDBPyConnection, lake: Lake, work: Callable[[], Result], *, note: str = ""
) -> Result:
    """Run `work`, which writes through `connection`, in one transaction, again while another
    process holds the catalog.

    WarehouseBusyError after the lake's `wait_seconds`, StoreError if the store of its files fails.
    `work` may run several times, so it must do
    nothing but write.
    """
    try:
        with server_errors_told(lake), writer_lock(lake), checksums_kept(connection, lake):
            return _write_healing(connection, lake, work, note)
    except RetryError as error:
        raise busy_error(lake) from error


def _write_healing(
    connection: duckdb.DuckDBPyConnection, lake: Lake, work: Callable[[], Result], note: str
) -> Result:
    """Write, and drop the files of each month that `work` wants to replace and cannot, because they
    are damaged.
    """
    healed = []
    while True:
        try:
            done = attempts(lake)(_write_once, connection, work, note)
        except UnreadableMonthError as error:
            # DuckLake reads what it deletes, so a damaged file would block its month for ever.
            if not drop_damaged(lake, [error.table], [error.month]):
                raise (error.__cause__ or error) from None
            healed.append((error.table, error.month))
        else:
            forget_dropped(lake, healed)  # those that have no file now, being empty
            return done


def _write_once(
    connection: duckdb.DuckDBPyConnection, work: Callable[[], Result], note: str
) -> Result:
    with transaction(connection, note):
        return work()


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection, note: str = "") -> Iterator[None]:
    """All or nothing for the statements inside; `note` is kept with the lake's snapshot."""
    connection.execute("begin")
    try:
        if note:
            connection.execute(f"call {NAME}.set_commit_message('churn_platform', ?)", [note])

        yield
        connection.execute("commit")
    # Also for a signal: an open transaction would keep the catalog locked until the process ends.
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.execute("rollback")
    except duckdb.TransactionException:
        return  # a failed commit has ended the transaction already


def ensure_table(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]
) -> None:
    """Make `schema.table` with the given columns (name -> SQL type), partitioned by month, where it
    is missing.

    A table from before a column was thought of gains it, null in every row. To be called in a
    transaction.
    """
    if table_exists(connection, table):
        # Existing data folders must go on working after an update, without a migration step.
        for column in columns.keys() - read_columns(connection, table):
            connection.execute(
                f"alter table {table} add column {identifier(column)} {columns[column]}"
            )

        return

    listed = ", ".join(f"{identifier(column)} {sql_type}" for column, sql_type in columns.items())
    connection.execute(f"create schema if not exists {table.split('.')[0]}")
    connection.execute(f"create table {table} ({listed})")
    # Every table is by month: a month is replaced, read and expired as a whole.
    connection.execute(f"alter table {table} set partitioned by (month)")


def table_exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether the lake has `schema.table`."""
    try:
        connection.execute(f"select 1 from {table} limit 0")
    except duckdb.CatalogException:
        return False
    return True


def made_months(connection: duckdb.DuckDBPyConnection, table: str) -> set[date]:
    """The months that a table has rows of."""
    if not table_exists(connection, table):
        return set()
    rows = connection.execute(f"select distinct month from {table}").fetchall()
    return {row[0] for row in rows}


def read_columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """The names of the columns of `schema.table`, which must exist."""
    described = connection.execute(f"select * from {table} limit 0").description
    return [column[0] for column in described]


def replace_month(
    connection: duckdb.DuckDBPyConnection, table: str, month: date, select: str
) -> int:
    """Replace the rows of `month` by those of the query; returns their number. To be called in a
    transaction.
    """
    delete_month(connection, table, month)
    inserted = connection.execute(f"insert into {table} by name {select}").fetchone()
    return inserted[0] if inserted else 0


def delete_month(
    connection: duckdb.DuckDBPyConnection, table: str, month: date, condition: str = "true"
) -> None:
    """Delete the rows of `month` that meet a condition; `write` drops damaged files of a month and
    calls again.

    To be called in a transaction.
    """
    try:
        connection.execute(f"delete from {table} where month = ? and {condition}", [month])
    except duckdb.Error as error:
        # Busy is for `attempts`, which tries again; only what is left can be a damaged file.
        if is_busy(error):
            raise
        raise UnreadableMonthError(table, month) from error


def replace_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, str],
    month: date,
    rows: pa.Table,
) -> int:
    """Put an Arrow table in place of the rows of `month`; the lake's table is made where it is
    missing.

    Columns match by name; returns the number of rows. To be called in a transaction.
    """
    ensure_table(connection, table, columns)
    connection.register("new_rows", rows)
    count = replace_month(connection, table, month, "select * from new_rows")
    connection.unregister("new_rows")
    return count


def arrow_rows(columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows, which may be none, as an Arrow table of the given columns (name -> SQL type)."""
    values: dict[str, list[Any]] = {column: [] for column in columns}
    for row in rows:
        for column in columns:
            values[column].append(row[column])
    schema = pa.schema([(column, _ARROW[kind]) for column, kind in columns.items()])
    return pa.Table.from_pydict(values, schema=schema)


_ARROW = {
    "date": pa.date32(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "varchar": pa.string(),
    "varchar[]": pa.list_(pa.string()),
}


def replace_dicts(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, str],
    month: date,
    rows: Iterable[Mapping[str, Any]],
    condition: str = "true",
) -> None:
    """Put a few rows, which may be none, in place of those of `month` that meet a condition; each
    has every column but the month.

    To be called in a transaction.
    """
    ensure_table(connection, table, columns)
    delete_month(connection, table, month, condition)
    names = ", ".join(columns)
    # One statement for each row: these tables have a few rows, and values of mixed types.
    marks = ", ".join("?" * len(columns))
    insert = f"insert into {table} ({names}) values ({marks})"
    for row in rows:
        whole = {"month": month, **row}
        values = [whole[column] for column in columns]
        connection.execute(insert, values)


def read_rows(
    connection: duckdb.DuckDBPyConnection, table: str, month: date
) -> list[dict[str, Any]]:
    """The rows of a small table for one month, as dictionaries; none if the table does not exist
    yet.
    """
    if not table_exists(connection, table):
        return []
    return dicts(connection.execute(f"select * from {table} where month = ?", [month]))


def dicts(result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rows of a small result as dictionaries, with Python's own types.

    Not through Arrow or pandas, which would make other types of dates and lists.
    """
    names = [column[0] for column in result.description]
    rows = []
    for values in result.fetchall():
        row = dict(zip(names, values, strict=True))
        rows.append(row)
    return rows


def current_snapshot(connection: duckdb.DuckDBPyConnection) -> int:
    """Number of the lake's newest snapshot, with which `at (version => n)` comes back to it."""
    row = connection.execute(f"select id from ducklake_current_snapshot('{NAME}')").fetchone()
    assert row is not None
    return row[0]
