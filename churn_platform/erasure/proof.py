"""Searches everything the platform has kept for what is left of a customer."""

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NoReturn

import duckdb

from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.erasure.search import TABLE_NUMBER, about, find, find_in_lake
from churn_platform.errors import ErasureError
from churn_platform.sql import identifier, literal
from churn_platform.warehouse.lake import Lake

POSTGRES = "searched_catalog"
POSTGRES_OWN = ["information_schema", "pg_catalog"]


def left_of(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    subject: ErasedCustomer,
    paths: Iterable[Path],
    keys: Iterable[str] = (),
    *,
    foreign: Collection[int],
) -> dict[str, int]:
    """How often each place that still names the subject does so.

    Places are files, objects of the lake's store by their keys, and the tables of a Postgres
    catalog. `foreign` are tables of other portfolios, by number.
    """
    in_files = find(connection, paths, subject, foreign=foreign)
    in_store = find_in_lake(connection, lake, keys, subject)
    left = {str(path): count for path, count in in_files.items()}
    left |= {lake.opened.place(key): count for key, count in in_store.items()}
    if lake.sqlite_path is None:
        left |= _in_postgres(connection, lake, subject, foreign)
    return left


def files_in(folders: Iterable[Path], *, without: Collection[Path]) -> list[Path]:
    """Every file of the folders but `without`, files and folders; ErasureError names a folder that
    cannot be read.
    """
    found: set[Path] = set()
    for folder in folders:
        found.update(_files(folder, without))
    return sorted(found)


def require_searchable(folders: Iterable[Path]) -> None:
    """ErasureError names one that is no folder, or that may not be read: a search would find
    nothing in it.
    """
    for folder in folders:
        if not (folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)):
            raise ErasureError(
                f"{folder} is no folder that can be read, so it cannot be searched; "
                "nothing was erased"
            )


def _files(folder: Path, without: Collection[Path]) -> Iterator[Path]:
    if not folder.exists():
        return

    # os.walk passes over folders that it may not read. In a proof that would be a gap.
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if Path(parent, name) not in without]
        for name in names:
            path = Path(parent, name)
            # A link is searched at its target, if that is inside; a link to outside is not ours.
            if path not in without and path.is_file() and not path.is_symlink():
                yield path


def _refuse(error: OSError) -> NoReturn:
    raise ErasureError(
        f"{error.filename}: {error.strerror}, so it cannot be searched; make it readable "
        "and run the command again"
    ) from error


def _in_postgres(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    subject: ErasedCustomer,
    foreign: Collection[int],
) -> dict[str, int]:
    """Rows of a Postgres catalog with a value of the subject: a small insert, a column's smallest
    or largest value.
    """
    connection.execute(
        f"attach {literal(lake.catalog.partition(':')[2])} as {POSTGRES} (type postgres, read_only)"
    )
    try:
        tables = connection.execute(
            "select schema_name, table_name, list(column_name) from duckdb_columns() "
            "where database_name = ? "
            "and not list_contains(?, schema_name) group by all order by all",
            [POSTGRES, POSTGRES_OWN],
        ).fetchall()
        counts = {}
        for schema, table, columns in tables:
            if about(table) in foreign:
                continue
            place = f"{identifier(schema)}.{identifier(table)}"
            count = _count_rows(connection, place, columns, subject, foreign)
            if count:
                counts[f"catalog table {table}"] = count
    finally:
        connection.execute(f"detach {POSTGRES}")

    return counts


def _count_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: list[str],
    subject: ErasedCustomer,
    foreign: Collection[int],
) -> int:
    values = [subject.customer_id, *map(str, subject.numbers)]
    tests = " or ".join(f"list_contains($values, {_text(column)})" for column in columns)
    own = (
        f"not list_contains($foreign::bigint[], {TABLE_NUMBER})"
        if TABLE_NUMBER in columns
        else "$foreign is not null"
    )
    row = connection.execute(
        f"select count(*) from {POSTGRES}.{table} where ({tests}) and {own}",
        {"values": values, "foreign": list(foreign)},
    ).fetchone()
    assert row is not None
    return row[0]


def _text(column: str) -> str:
    """A value as text; the catalog keeps text of small inserts as bytes."""
    name = identifier(column)
    return f"coalesce(try(decode({name}::blob)), {name}::varchar)"
