"""The files of the lake as its catalog knows them, and what they were like when they were written.

DuckLake records the size of a file and no checksum, and Parquet as DuckDB writes it has none
either: a flipped bit can come back as another score. So a checksum of each new file is kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb

from churn_platform.warehouse.lake import CATALOG, Lake
from churn_platform.warehouse.lake_notes import (
    forget_checksums,
    kept_checksums,
    note_written,
)


@dataclass(frozen=True)
class LakeFile:
    """A Parquet file of the lake: the table and month whose rows, or deleted rows, it holds.

    `month` is None in a table that is not partitioned; `key` is the path relative to the lake's
    files; `is_live` says whether the newest state reads the file.
    """

    table: str
    month: date | None
    key: str
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
    root = f"{lake.files.rstrip('/')}/"

    files = []
    for table, month, path, size, live in rows:
        files.append(LakeFile(table, month, path.removeprefix(root), size, live))

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
        there = lake.opened.look_at(file.key for file in new)
        checksums = {key: lake.opened.checksum(file) for key, file in there.items()}
        written = []
        for file in new:
            if file.is_live and file.month:
                written.append((file.table, file.month))

        note_written(lake, checksums, written, beside=connection)


def forget_gone(lake: Lake) -> None:
    """Forget the checksums of files that are gone."""
    kept = kept_checksums(lake).keys()
    forget_checksums(lake, kept - lake.opened.look_at(kept).keys())
