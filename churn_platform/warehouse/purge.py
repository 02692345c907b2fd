"""Removes deleted rows from the lake's files and catalog: until then a delete only hides them.

DuckLake keeps what was deleted for time travel: in the old Parquet files, in the catalog where a
small change was written there, and in the column statistics of both. An SQLite catalog keeps it in
free pages besides.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from churn_platform.errors import WarehouseBusyError
from churn_platform.warehouse.holders import holders_of
from churn_platform.warehouse.lake import CATALOG, Lake
from churn_platform.warehouse.lock import writer_lock
from churn_platform.warehouse.maintenance import (
    GRACE,
    expire,
    maintain,
    older_than,
    remove_unused,
    settle,
)
from churn_platform.warehouse.tables import transaction

FindFiles = Callable[[duckdb.DuckDBPyConnection], Sequence[str]]
Note = Callable[[duckdb.DuckDBPyConnection, Sequence[int]], None]


@dataclass(frozen=True)
class Purged:
    """What a purge took away: snapshots that can no longer be travelled to, and files."""

    snapshots: list[int]
    files: int


def purge(lake: Lake, find_files: FindFiles, note: Note) -> Purged:
    """Rewrite every file with deleted rows, and expire each snapshot that sees a file which
    `find_files` picks.

    `find_files` gives the keys of the files that must go; it is asked once small changes have left
    the catalog for files. Snapshots that see none of them stay, and so does the newest, in any
    case. `note` is told of the others before they go, in a transaction. Running it again completes
    what a kill interrupted.
    """
    purged = maintain(
        lake,
        partial(
            _purge,
            lake=lake,
            find_files=find_files,
            note=note,
        ),
    )
    # SQLite only marks pages as free; the bytes stay until VACUUM. Postgres has its own vacuum.
    if lake.sqlite_path:
        with writer_lock(lake):
            vacuum(lake.sqlite_path, wait_seconds=lake.wait_seconds)

    return purged


def _purge(
    connection: duckdb.DuckDBPyConnection, *, lake: Lake, find_files: FindFiles, note: Note
) -> Purged:
    # Before `find_files`: small changes are inlined in the catalog, where no file shows them.
    settle(connection)
    snapshots = _seeing(connection, find_files(connection))
    if snapshots:
        # Noted before they go: `churn reproduce` must be able to say that an erasure took them.
        with transaction(connection):
            note(connection, snapshots)

    expire(connection, snapshots)
    # With SQLite this process is the only writer, so orphans can go at once. On Postgres a file
    # without a catalog entry may be one that another writer is about to commit.
    orphans = "" if lake.sqlite_path else older_than(GRACE)
    return Purged(snapshots, remove_unused(connection, "cleanup_all => true", orphans=orphans))


def data_files(lake: Lake) -> list[str]:
    """The key of every Parquet file of the lake, whether the catalog knows it or not."""
    return sorted(file.key for file in lake.opened.list() if file.key.endswith(".parquet"))


def _seeing(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> list[int]:
    """Snapshots from which one of the files can be read, without the newest; file names are unique
    in a lake.
    """
    rows = connection.execute(
        f"""
        select distinct snapshot_id from {CATALOG}.ducklake_snapshot
        join {CATALOG}.ducklake_data_file on snapshot_id >= begin_snapshot
            and snapshot_id < coalesce(end_snapshot, {2**62})
        where list_contains(?::varchar[], parse_filename(path))
            and snapshot_id < (select max(snapshot_id) from {CATALOG}.ducklake_snapshot)
        order by snapshot_id
        """,
        [[key.rpartition("/")[2] for key in files]],
    ).fetchall()
    return [snapshot for (snapshot,) in rows]


def vacuum(path: Path, *, wait_seconds: float) -> None:
    """Write an SQLite file again without free pages, and empty its log; WarehouseBusyError while
    somebody reads it.
    """
    with closing(sqlite3.connect(path, timeout=wait_seconds, isolation_level=None)) as database:
        try:
            # Both are needed: VACUUM goes through the write-ahead log, and the log keeps old pages.
            database.execute("vacuum")
            is_busy, *_ = database.execute("pragma wal_checkpoint(truncate)").fetchone()
        except sqlite3.OperationalError:
            is_busy = True

    if is_busy:
        raise WarehouseBusyError(
            f"{path} is in use by {', '.join(holders_of(path)) or 'another process'}, "
            "so deleted rows are still in its "
            "free pages; stop the reader and run the command again"
        )
