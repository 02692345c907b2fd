"""DuckLake's maintenance functions, and how they are called: as the only writer, again while the
catalog is busy.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import duckdb
from tenacity import RetryError

from churn_platform.errors import WarehouseError
from churn_platform.sql import literal
from churn_platform.warehouse.damage import find_damage
from churn_platform.warehouse.lake import NAME, Lake, attempts, busy_error, connect
from churn_platform.warehouse.lake_files import checksums_kept, forget_gone, lake_files
from churn_platform.warehouse.lock import writer_lock
from churn_platform.warehouse.server_errors import server_errors_told

GRACE = timedelta(
    days=1
)  # readers at work, and on Postgres writers, have files that look abandoned
Result = TypeVar("Result")


@dataclass(frozen=True)
class Tidied:
    """What tidying a lake took away: snapshots, and files that no one can read any more."""

    snapshots: int
    files: int


def maintain(lake: Lake, work: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
    """What `work` returns, called as the only writer; WarehouseBusyError after the lake's
    `wait_seconds`.

    `work` may run several times, and may have been cut short before.
    """
    with server_errors_told(lake), writer_lock(lake), closing(connect(lake)) as connection:
        _require_sound_files(connection, lake)
        try:
            with checksums_kept(connection, lake):
                done = attempts(lake)(work, connection)
        except RetryError as error:
            raise busy_error(lake) from error
        forget_gone(lake)
        return done


def _require_sound_files(connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """WarehouseError if a file that may be rewritten is damaged: its bit rot would get a new
    checksum.

    Files are rewritten where rows of theirs were deleted, or where a month has several.
    """
    files = lake_files(connection, lake, "is_live")
    count = Counter((file.table, file.month) for file in files)
    may_be_rewritten = []
    for file in files:
        if count[file.table, file.month] > 1:
            may_be_rewritten.append(file)

    damage = find_damage(lake, may_be_rewritten)
    if damage:
        raise WarehouseError(
            f"nothing was packed or removed: {damage[0]}; make it again: `{damage[0].cure}`"
        )


def tidy(
    lake: Lake, needed: Collection[int], *, until: datetime, grace: timedelta = GRACE
) -> Tidied:
    """Expire snapshots that were succeeded before `until` and are not `needed`, and pack the lake's
    files.

    Every state that the lake has had since `until` can still be travelled to. Files of which the
    lake has no more use go at the first call that comes after `grace`, so that a process that reads
    them now can finish. Running it again completes what a kill interrupted.
    """
    return maintain(
        lake,
        partial(
            _tidy,
            needed=needed,
            until=until,
            grace=grace,
        ),
    )


def _tidy(
    connection: duckdb.DuckDBPyConnection,
    *,
    needed: Collection[int],
    until: datetime,
    grace: timedelta,
) -> Tidied:
    going = [snapshot for snapshot in _succeeded(connection, until) if snapshot not in needed]
    expire(connection, going)
    settle(connection)
    # After `settle`: merging first would merge deleted rows into larger files.
    call(connection, "merge_adjacent_files")
    # DuckLake only schedules files here, and removes them at a later call: a process that opened
    # one before can read it to its end.
    return Tidied(len(going), remove_unused(connection, older_than(grace)))


def _succeeded(connection: duckdb.DuckDBPyConnection, until: datetime) -> list[int]:
    """Snapshots whose successor is older than `until`; the newest has none."""
    rows = connection.execute(
        "select snapshot_id from (select snapshot_id, "
        # A snapshot is old when its successor is old. By its own age it could be the state that
        # a training of yesterday has recorded, in a lake that was quiet for long.
        "lead(snapshot_time) over (order by snapshot_id) as succeeded_at "
        f"from ducklake_snapshots('{NAME}')) where succeeded_at < ? order by snapshot_id",
        [until],
    ).fetchall()
    return [snapshot for (snapshot,) in rows]


def settle(connection: duckdb.DuckDBPyConnection) -> None:
    """Write small changes out of the catalog, and files with deleted rows again without them."""
    # This order: flushed rows can still have deletes, which the rewrite then applies.
    call(connection, "flush_inlined_data")
    call(connection, "rewrite_data_files", "delete_threshold => 0")


def expire(connection: duckdb.DuckDBPyConnection, snapshots: Sequence[int]) -> None:
    """Take snapshots away; none is given by an empty list."""
    if snapshots:
        call(connection, "expire_snapshots", f"versions => {list(snapshots)}")


def older_than(age: timedelta) -> str:
    """DuckLake's option for what is older."""
    return f"older_than => now() - interval {age.total_seconds():.0f} second"


def remove_unused(connection: duckdb.DuckDBPyConnection, age: str, *, orphans: str = "") -> int:
    """Remove files that no snapshot sees, and orphans that no catalog knows; returns how many.

    `age` is DuckLake's option that says which; `orphans` the one for those, where it differs.
    """
    removed = call(connection, "cleanup_old_files", age)
    return len(removed) + len(call(connection, "delete_orphaned_files", orphans or age))


def call(connection: duckdb.DuckDBPyConnection, function: str, *options: str) -> list[tuple]:
    """Rows of a maintenance function of DuckLake, all of them: it does its work only as they are
    fetched.
    """
    arguments = ", ".join([literal(NAME), *options])
    # fetchall is not for the rows: DuckLake's functions work lazily, as rows are fetched.
    return connection.execute(f"from ducklake_{function}({arguments})").fetchall()
