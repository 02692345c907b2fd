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
    # A month without a customer has one part, which is empty, so readers need no case for it.
    begins = range(0, max(rows, 1), PART_ROWS)
    for place, begin in enumerate(begins):
        end = begin + PART_ROWS
        inside = f"from {SORTED} where rowid >= {begin} and rowid < {end}"
        _copy(connection, inside, folder / part_file(place), PROFILE_ROWS)
        first = _one(connection, f"select min(customer_id) {inside}")
        if first is not None:
            firsts.append(first)

    listed = _listed_columns(connection)
    _copy(
        connection,
        f"select {listed} from {SORTED}",
        folder / CUSTOMERS_FILE,
        LIST_ROWS,
    )
    _copy(
        connection,
        plan_sql(SORTED),
        folder / PLAN_FILE,
        LIST_ROWS,
    )
    # The connection goes on to other months, and the table is as large as the read model.
    connection.execute(f"drop table {SORTED}")
    return rows, tuple(firsts)


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path, group_rows: int) -> None:
    target = literal(path)
    options = parquet_options(group_rows)
    connection.execute(f"copy ({query}) to {target} ({options})")


def _is_listed(column: str) -> bool:
    return column not in OF_PROFILE and not column.startswith(FACT_PREFIX)


def _listed_columns(connection: duckdb.DuckDBPyConnection) -> str:
    described = connection.execute(f"from {SORTED} limit 0").description or []
    listed = []
    for column in described:
        name = column[0]
        if _is_listed(name):
            listed.append(identifier(name))
    return ", ".join(listed)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]
