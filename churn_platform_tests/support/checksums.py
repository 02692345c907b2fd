"""Fingerprints of months, to tell whether a table moved."""

import hashlib
from contextlib import closing
from datetime import date

import duckdb

from churn_platform.warehouse.lake import Lake, connect

Checksums = dict[tuple[str, date], str]


def checksums(lake: Lake, *schemas: str, of: str = "t") -> Checksums:
    """For every monthly table of the schemas and every month in it: a checksum of its rows in any
    order.

    `of` names what is summed: whole rows, or a column that all those tables have.
    """
    with closing(connect(lake, read_only=True)) as connection:
        return {
            (table, month): checksum
            for table in _tables(connection, schemas)
            for month, checksum in _by_month(connection, table, of)
        }


def _tables(connection: duckdb.DuckDBPyConnection, schemas: tuple[str, ...]) -> list[str]:
    listed = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'lake'"
    ).fetchall()
    return sorted(name for (name,) in listed if name.split(".")[0] in schemas)


def _by_month(connection: duckdb.DuckDBPyConnection, table: str, of: str) -> list[tuple[date, str]]:
    rows = connection.execute(
        f"select month, count(*), bit_xor(hash({of})), sum(hash({of})::hugeint) "
        f"from {table} as t group by month"
    ).fetchall()
    return [(month, hashlib.sha256(repr(rest).encode()).hexdigest()) for month, *rest in rows]
