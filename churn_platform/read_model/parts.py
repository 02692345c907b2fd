"""Writes the customers of a month three times: in one file, as far as lists need them, as profiles
in parts, and as a plan ranks them. A look-up opens the one part that may hold the id, and reads a
small group of it; a list reads some columns of all, a plan two numbers. One form for all is slow
for each of them.
"""

from pathlib import Path
from typing import Any

import duckdb

from churn_platform.published.page_bundle import (
    CUSTOMERS_FILE,
    FACT_PREFIX,
    OF_PROFILE,
    PLAN_FILE,
    part_file,
    plan_sql,
)
from churn_platform.sql import identifier, literal

PART_ROWS, PROFILE_ROWS = 20_480, 2_048
LOOK_UP_ROWS, LIST_ROWS = 20_480, 122_880
SORTED = "page_customers"


def parquet_options(group_rows: int) -> str:
    """How a file of the read model is written."""
    return f"format parquet, compression zstd, row_group_size {group_rows}"


def write_customers(
    connection: duckdb.DuckDBPyConnection, folder: Path, query: str
) -> tuple[int, tuple[str, ...]]:
    """Write the rows of a query of profiles, which is ordered by customer; their number, and the
    first customer of each part. At least one part is written.
    """
    # A temporary table is in the order of its query, and is written out in pieces without another
    # sort.
    connection.execute(f"create or replace temp table {SORTED} as from ({query})")
    rows = _one(connection, f"select count(*) from {SORTED}")
    firsts = []
    for place, begin in enumerate(range(0, max(rows, 1), PART_ROWS)):
        inside = f"from {SORTED} where rowid >= {begin} and rowid < {begin + PART_ROWS}"
        target = literal(folder / part_file(place))
        connection.execute(f"copy ({inside}) to {target} ({parquet_options(PROFILE_ROWS)})")
        firsts.append(_one(connection, f"select min(customer_id) {inside}"))

    listed = ", ".join(identifier(name) for name in _columns(connection) if _is_listed(name))
    target, options = literal(folder / CUSTOMERS_FILE), parquet_options(LIST_ROWS)
    connection.execute(f"copy (select {listed} from {SORTED}) to {target} ({options})")
    connection.execute(f"copy ({plan_sql(SORTED)}) to {literal(folder / PLAN_FILE)} ({options})")
    connection.execute(f"drop table {SORTED}")
    return rows, tuple(first for first in firsts if first is not None)


def _is_listed(column: str) -> bool:
    return column not in OF_PROFILE and not column.startswith(FACT_PREFIX)


def _columns(connection: duckdb.DuckDBPyConnection) -> list[str]:
    described = connection.execute(f"from {SORTED} limit 0").description or []
    return [column[0] for column in described]


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]
