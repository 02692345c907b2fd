"""Tables of the lake: partitioned by month, a month replaced in one transaction."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date

import duckdb

from churn_platform.warehouse.lake import NAME


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection, note: str = "") -> Iterator[None]:
    """All or nothing for the statements inside; `note` is kept with the lake's snapshot."""
    connection.execute("begin")
    try:
        if note:
            connection.execute(f"call {NAME}.set_commit_message('churn_platform', ?)", [note])
        yield
        connection.execute("commit")
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.execute("rollback")
    except duckdb.TransactionException:
        return  # a failed commit has ended the transaction already


def ensure_table(connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]) -> None:
    """Make `schema.table` with the given columns (name -> SQL type), partitioned by month, where it is missing."""
    schema, name = table.split(".")
    if table_exists(connection, table):
        return
    listed = ", ".join(f'"{column}" {sql_type}' for column, sql_type in columns.items())
    with transaction(connection):
        connection.execute(f"create schema if not exists {schema}")
        connection.execute(f"create table {schema}.{name} ({listed})")
        connection.execute(f"alter table {schema}.{name} set partitioned by (month)")


def table_exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether the lake has `schema.table`."""
    found = connection.execute(
        "select count(*) from duckdb_tables() where database_name = ? and schema_name || '.' || table_name = ?",
        [NAME, table],
    ).fetchone()
    return bool(found and found[0])


def replace_month(connection: duckdb.DuckDBPyConnection, table: str, month: date, select: str) -> int:
    """Replace the rows of `month` by those of the query; returns their number. To be called in a transaction."""
    connection.execute(f"delete from {table} where month = ?", [month])
    inserted = connection.execute(f"insert into {table} by name {select}").fetchone()
    return inserted[0] if inserted else 0


def current_snapshot(connection: duckdb.DuckDBPyConnection) -> int:
    """Number of the lake's newest snapshot, with which `at (version => n)` comes back to it."""
    row = connection.execute(f"select id from ducklake_current_snapshot('{NAME}')").fetchone()
    assert row is not None
    return row[0]
