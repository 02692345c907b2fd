"""Remembers which snapshots of the lake an erasure took away, for those who look for them later."""

from collections.abc import Sequence
from datetime import date

import duckdb

from churn_platform.warehouse.tables import ensure_table, table_exists

EXPIRED = "erasure.expired_snapshots"
COLUMNS = {"month": "date", "snapshot": "bigint"}


def note_expired(
    connection: duckdb.DuckDBPyConnection, month: date, snapshots: Sequence[int]
) -> None:
    """Note that the snapshots go with an erasure of that month; to be called in a transaction."""
    ensure_table(connection, EXPIRED, COLUMNS)
    connection.execute(
        f"insert into {EXPIRED} select ?, unnest(?::bigint[])", [month, list(snapshots)]
    )


def erasure_of_snapshot(connection: duckdb.DuckDBPyConnection, snapshot: int) -> date | None:
    """The month of the erasure that took a snapshot away; None if none did."""
    if not table_exists(connection, EXPIRED):
        return None
    row = connection.execute(
        f"select min(month) from {EXPIRED} where snapshot = ?", [snapshot]
    ).fetchone()
    return row[0] if row else None
