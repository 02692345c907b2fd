"""Finds damaged and missing files of the lake, and drops those of a month so that it can be made
again.
"""

from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow
from pyarrow import parquet

from churn_platform.errors import WarehouseError
from churn_platform.months import label
from churn_platform.sql import literals
from churn_platform.storage.store import StoredObject
from churn_platform.warehouse.lake import CATALOG, Lake, connect
from churn_platform.warehouse.lake_files import LakeFile, lake_files
from churn_platform.warehouse.lake_notes import (
    dropped,
    keep_checksums,
    kept_checksums,
    note_dropped,
)

FORMAT = "1.0"  # of the catalog; what a delete writes into it is laid down there


@dataclass(frozen=True)
class DamagedMonth:
    """A month of a table that is not as it was written, or a table without months."""

    table: str
    month: date | None
    problem: str
    is_live: bool = True  # whether the newest state reads it

    @property
    def cure(self) -> str:
        """The command that makes the rows again."""
        if self.month is None:
            return "restore the file from a backup: no command makes a table without months"
        return f"churn materialize {self.table} --month {label(self.month)}"

    def __str__(self) -> str:
        month = f" of {label(self.month)}" if self.month else ""
        return f"{self.table}{month}: {self.problem}"


def find_damage(lake: Lake, files: Iterable[LakeFile]) -> list[DamagedMonth]:
    """What is missing or changed among the files.

    A file from before checksums were kept is decoded whole, and gets its checksum if that works.
    """
    known = list(files)
    kept = kept_checksums(lake)
    there = lake.opened.look_at(file.key for file in known)
    found = []
    sound = {}
    for file in known:
        content = there.get(file.key)
        problem = _problem(lake, file, content, kept.get(file.key))
        if problem:
            told = f"{lake.opened.place(file.key)} {problem}"
            found.append(DamagedMonth(file.table, file.month, told, file.is_live))
        elif content is not None and file.key not in kept:
            sound[file.key] = lake.opened.checksum(content)
    keep_checksums(lake, sound)
    return found


def dropped_months(lake: Lake) -> list[DamagedMonth]:
    """Months that have no rows because their damaged files were dropped and nothing was written
    after.
    """
    told = "was dropped as damaged and has not been written since"
    return [DamagedMonth(table, month, told) for table, month in dropped(lake)]


def _problem(
    lake: Lake, file: LakeFile, content: StoredObject | None, checksum: str | None
) -> str | None:
    if content is None:
        return "is missing"
    if content.size_bytes != file.size_bytes:
        return f"has {content.size_bytes:,} bytes instead of {file.size_bytes:,}"
    if checksum is None:
        # Files from before checksums were kept: decoding them whole is the only test there is.
        return None if _is_readable(lake, file) else "cannot be read"
    is_same = lake.opened.checksum(content) == checksum
    return None if is_same else "has other content than was written"


def _is_readable(lake: Lake, file: LakeFile) -> bool:
    try:
        with (
            lake.opened.local(file.key, lake.temp_dir) as path,
            parquet.ParquetFile(path) as content,
        ):
            for _ in content.iter_batches():
                pass
    except (pyarrow.ArrowException, OSError):
        return False

    return True


def require_sound(
    connection: duckdb.DuckDBPyConnection, lake: Lake, tables: Collection[str], month: date
) -> None:
    """WarehouseError names the first file of the tables' month that is damaged, and the command
    that heals it.
    """
    damage = find_damage(lake, _live_files(connection, lake, tables, [month]))
    for found in [*damage, *dropped_months(lake)]:
        if found.table in tables and found.month == month:
            raise WarehouseError(f"{found}; make it again: `{found.cure}`")


def drop_damaged(
    lake: Lake, tables: Collection[str], months: Collection[date]
) -> list[DamagedMonth]:
    """Take all files of each damaged month out of the newest state; returns what was damaged.

    A month of one of the tables is damaged if one of its files is.
    """
    # DuckLake's DELETE reads what it deletes, so it cannot remove a file that no one can read. This
    # writes into the catalog what such a DELETE would, as a snapshot of its own. The month has no
    # rows until it is written again: to be called just before that, as the only writer. Until then
    # the month is noted as dropped, so that a kill in between is noticed. Older snapshots keep the
    # damaged file.
    if not tables or not months:
        return []

    with closing(connect(lake)) as connection:
        damage = find_damage(lake, _live_files(connection, lake, tables, months))
        damaged = {(found.table, found.month) for found in damage if found.month}
        for table, month in sorted(damaged):
            # The note goes first: a kill after the drop and before the new rows would leave a month
            # that looks empty on purpose. `forget_dropped` takes the note back once it is written.
            note_dropped(lake, table, month)
            _drop_month(connection, table, month)

    return damage


def _live_files(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    tables: Collection[str],
    months: Collection[date],
) -> list[LakeFile]:
    condition = f"is_live and table_name in ({literals(tables)}) and month in ({literals(months)})"
    return lake_files(connection, lake, condition)


def _drop_month(connection: duckdb.DuckDBPyConnection, table: str, month: date) -> None:
    schema, _, name = table.partition(".")
    # Rows of the catalog are written by hand here. Another format may need other columns, and
    # half a delete would damage the catalog itself.
    _require_format(connection)
    connection.execute("begin")

    try:
        snapshot, number = _next_snapshot(connection, schema, name)
        note = f"{table} {label(month)}: damaged files dropped"
        changes = "(snapshot_id, changes_made, author, commit_message)"
        connection.execute(
            f"insert into {CATALOG}.ducklake_snapshot_changes {changes} values (?, ?, "
            "'churn_platform', ?)",
            [snapshot, f"deleted_from_table:{number}", note],
        )
        rows = connection.execute(
            f"select data_file_id from {CATALOG}.ducklake_file_partition_value "
            "where table_id = ? and partition_key_index = 0 and partition_value = ?",
            [number, month.isoformat()],
        ).fetchall()
        files = ", ".join(str(row[0]) for row in rows)
        for kind in ("ducklake_data_file", "ducklake_delete_file"):
            connection.execute(
                f"update {CATALOG}.{kind} set end_snapshot = {snapshot} "
                f"where end_snapshot is null and data_file_id in ({files})"
            )

        connection.execute("commit")
    # Also for KeyboardInterrupt: an open transaction would keep the catalog locked.
    except BaseException:
        connection.execute("rollback")
        raise


def _require_format(connection: duckdb.DuckDBPyConnection) -> None:
    row = connection.execute(
        f"select value from {CATALOG}.ducklake_metadata where key = 'version'"
    ).fetchone()
    if row is None or row[0] != FORMAT:
        raise WarehouseError(
            f"the lake's catalog has format {row and row[0]}, "
            f"and damaged files can be dropped from {FORMAT} alone; "
            "restore the file from a backup"
        )


def _next_snapshot(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str
) -> tuple[int, int]:
    """Begin a snapshot after the newest; returns its number and that of the table."""
    connection.execute(
        f"insert into {CATALOG}.ducklake_snapshot "
        "select snapshot_id + 1, now(), schema_version, next_catalog_id, next_file_id "
        f"from {CATALOG}.ducklake_snapshot order by snapshot_id desc limit 1"
    )
    row = connection.execute(
        f"select (select max(snapshot_id) from {CATALOG}.ducklake_snapshot), table_id "
        f"from {CATALOG}.ducklake_table as tables join {CATALOG}.ducklake_schema as schemas "
        "using (schema_id) "
        "where tables.end_snapshot is null and schemas.end_snapshot is null "
        "and schema_name = ? and table_name = ?",
        [schema, name],
    ).fetchone()
    assert row is not None
    return row
