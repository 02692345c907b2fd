"""Fingerprints of months, to tell whether a table moved."""

import hashlib
from collections.abc import Mapping
from contextlib import closing
from datetime import date

import duckdb

from churn_platform.warehouse.lake import Lake, connect

Checksums = dict[tuple[str, date], str]


def checksums(
    lake: Lake, *schemas: str, of: str = "t", apart: Mapping[str, str] | None = None
) -> Checksums:
    """For every monthly table of the schemas and every month in it: a checksum of its rows in any
    order.

    `of` names what is summed: whole rows, or a column that all those tables have; `apart` names
    the columns of single tables.
    """
    columns = apart or {}
    with closing(connect(lake, read_only=True)) as connection:
        # One query: the lake looks for its newest state anew for each.
        tables = _tables(connection, schemas)
        queries = [_by_month(table, columns.get(table, of)) for table in tables]
        rows = connection.execute(" union all ".join(queries)).fetchall() if queries else []
    return {(table, month): _hashed(rest) for table, month, *rest in rows}


def _tables(connection: duckdb.DuckDBPyConnection, schemas: tuple[str, ...]) -> list[str]:
    listed = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'lake'"
    ).fetchall()
    return sorted(name for (name,) in listed if name.split(".")[0] in schemas)


def _by_month(table: str, of: str) -> str:
    return (
        f"select '{table}', month, count(*), bit_xor(hash({of})), sum(hash({of})::hugeint) "
        f"from {table} as t group by month"
    )


def _hashed(values: list[int]) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()
