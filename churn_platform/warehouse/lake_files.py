"""The files of the lake as its catalog knows them, and what they were like when they were written.

DuckLake records the size of a file and no checksum, and Parquet as DuckDB writes it has none
either: a flipped bit can come back as another score. So the SHA-256 of each new file is kept beside
the files, in `checksums.sqlite`.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from churn_platform.published.regular_files import file_sha256
from churn_platform.warehouse.lake import CATALOG, Lake

CHECKSUMS_FILE = "checksums.sqlite"
WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class LakeFile:
    """A Parquet file of the lake: the table and month whose rows, or deleted rows, it holds.

    `month` is None in a table that is not partitioned; `is_live` says whether the newest state
    reads the file.
    """

    table: str
    month: date | None
    path: Path
    size_bytes: int
    is_live: bool


def lake_files(
    connection: duckdb.DuckDBPyConnection, lake: Lake, condition: str = "true"
) -> list[LakeFile]:
    """Every file that some snapshot reads, and that meets an SQL condition.

    The condition may name `table_name`, `month`, `is_live` and `file_id`, which grows from file to
    file.
    """
    rows = connection.execute(
        f"""
        with files as (
            select data_file_id as file_id, data_file_id, table_id,
                path, path_is_relative, file_size_bytes, end_snapshot
            from {CATALOG}.ducklake_data_file
            union all
            select delete_file_id, data_file_id, table_id,
                path, path_is_relative, file_size_bytes, end_snapshot
            from {CATALOG}.ducklake_delete_file
        ),
        tables as (
            select distinct on (table_id) table_id, schema_name || '.' || table_name as table_name,
                schemas.path || tables.path as folder
            from {CATALOG}.ducklake_table as tables
            join {CATALOG}.ducklake_schema as schemas using (schema_id)
            order by table_id, tables.begin_snapshot desc
        ),
        months as (
            select data_file_id, try_cast(partition_value as date) as month
            from {CATALOG}.ducklake_file_partition_value where partition_key_index = 0
        ),
        named as (
            select table_name, month, if(path_is_relative, folder || path, path) as path,
                file_size_bytes, end_snapshot is null as is_live, file_id
            from files join tables using (table_id) left join months using (data_file_id)
        )
        select * exclude (file_id) from named where {condition} order by all
        """
    ).fetchall()
    root = Path(lake.files)

    files = []
    for table, month, path, size, live in rows:
        files.append(LakeFile(table, month, root / path, size, live))

    return files


def newest_file(connection: duckdb.DuckDBPyConnection) -> int:
    """Number of the newest file that the catalog has given out; 0 for a new lake."""
    row = connection.execute(
        f"select max(next_file_id) from {CATALOG}.ducklake_snapshot"
    ).fetchone()
    return row[0] if row and row[0] is not None else 0


@contextmanager
def checksums_kept(connection: duckdb.DuckDBPyConnection, lake: Lake) -> Iterator[None]:
    """Keep the checksum of every file that is written inside, once all is done; also after an error
    inside.

    Files of other processes that write at the same time are taken in as well, which does no harm.
    """
    # By number, not by time: clocks of several writers need not agree.
    known = newest_file(connection)
    try:
        yield
    finally:
        new = lake_files(connection, lake, f"file_id >= {known}")
        keep_checksums(lake, [file.path for file in new])
        written = []
        for file in new:
            if file.is_live and file.month:
                written.append((file.table, file.month))

        forget_dropped(lake, written)


def keep_checksums(lake: Lake, paths: Iterable[Path]) -> None:
    """Note the checksum of each file that is there."""
    noted = []
    for path in paths:
        if path.is_file():
            noted.append((_name(lake, path), file_sha256(path)))

    if noted:
        with closing(_store(lake)) as store, store:
            # SQLite, not the lake: the lake's own files cannot vouch for themselves.
            store.executemany("insert or replace into checksums values (?, ?)", noted)


def kept_checksums(lake: Lake) -> dict[Path, str]:
    """The checksum of each file as it was written; files from before checksums
    were kept have none.
    """
    if not (Path(lake.files) / CHECKSUMS_FILE).exists():
        return {}
    with closing(_store(lake)) as store:
        rows = store.execute("select path, sha256 from checksums").fetchall()
    return {Path(lake.files) / name: checksum for name, checksum in rows}


def forget_checksums(lake: Lake) -> None:
    """Drop checksums of files that are gone."""
    gone = []
    for path in kept_checksums(lake):
        if not path.exists():
            gone.append((_name(lake, path),))

    if gone:
        with closing(_store(lake)) as store, store:
            store.executemany("delete from checksums where path = ?", gone)


def note_dropped(lake: Lake, table: str, month: date) -> None:
    """Note that a month of a table is about to lose its files, and is to be written again."""
    with closing(_store(lake)) as store, store:
        store.execute("insert or replace into dropped values (?, ?)", [table, month.isoformat()])


def forget_dropped(lake: Lake, written: Iterable[tuple[str, date]]) -> None:
    """The months of these tables have been written again."""
    known = set(dropped(lake))
    rows = []
    for table, month in written:
        if (table, month) in known:
            rows.append((table, month.isoformat()))

    if rows:
        with closing(_store(lake)) as store, store:
            store.executemany("delete from dropped where table_name = ? and month = ?", rows)


def dropped(lake: Lake) -> list[tuple[str, date]]:
    """Months of tables that lost their files and have not been written since."""
    if not (Path(lake.files) / CHECKSUMS_FILE).exists():
        return []
    with closing(_store(lake)) as store:
        rows = store.execute("select table_name, month from dropped order by 1, 2").fetchall()
    return [(table, date.fromisoformat(month)) for table, month in rows]


def _name(lake: Lake, path: Path) -> str:
    return path.relative_to(lake.files).as_posix() if path.is_relative_to(lake.files) else str(path)


def _store(lake: Lake) -> sqlite3.Connection:
    store = sqlite3.connect(Path(lake.files) / CHECKSUMS_FILE, timeout=WAIT_SECONDS)
    store.execute(
        "create table if not exists checksums (path text primary key, sha256 text not null)"
    )
    store.execute(
        "create table if not exists dropped (table_name text, month text, "
        "primary key (table_name, month))"
    )
    return store
