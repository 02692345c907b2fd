"""What is noted of the lake's files beside the catalog: the checksum of each as it was written, and
months that are to be written again.

In an SQLite file beside the lake's files. Where these are in a store, it is beside an SQLite
catalog, or it is two tables of a Postgres catalog's database, which every host reaches.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import duckdb
from tenacity import RetryError

from churn_platform.sql import literal
from churn_platform.storage.location import is_url
from churn_platform.warehouse.lake import Lake, attempts, busy_error
from churn_platform.warehouse.quiet import connect_quietly

CHECKSUMS_FILE = "checksums.sqlite"
SCHEMA = "churn_platform"
WAIT_SECONDS = 60.0
TABLES = (
    "checksums (path text primary key, sha256 text not null)",
    "dropped (table_name text, month text, primary key (table_name, month))",
)


class Notes(Protocol):
    """The two tables, in either kind of database."""

    def execute(self, query: str, parameters: Any = ..., /) -> Any:
        """Run a statement."""

    def executemany(self, query: str, rows: Any, /) -> Any:
        """Run a statement for each row."""


def keep_checksums(lake: Lake, checksums: dict[str, str]) -> None:
    """Note the checksum of each file, by its key."""
    note_written(lake, checksums, [])


def note_written(
    lake: Lake,
    checksums: dict[str, str],
    months: Iterable[tuple[str, date]],
    *,
    beside: duckdb.DuckDBPyConnection | None = None,
) -> None:
    """Note the checksum of each new file, by its key, and that these months of tables are written;
    at once, and beside a connection to the lake, since opening the notes on a server costs round
    trips.
    """
    written = list(months)
    if not checksums and not written:
        return

    def note(notes: Notes) -> None:
        if checksums:
            # Not in the lake: its own files cannot vouch for themselves. Two statements, because
            # Postgres has no `insert or replace`.
            _forget(notes, checksums)
            notes.executemany("insert into checksums values (?, ?)", list(checksums.items()))

        _forget_dropped(notes, set(_dropped(notes)) & set(written))

    _change(lake, note, beside)


def kept_checksums(lake: Lake) -> dict[str, str]:
    """The checksum of each file as it was written; files from before checksums were kept have
    none.
    """
    if not _may_have_notes(lake):
        return {}
    with _notes(lake) as notes:
        return dict(notes.execute("select path, sha256 from checksums").fetchall())


def forget_checksums(lake: Lake, keys: Iterable[str]) -> None:
    """Drop the checksums of files that are gone."""
    gone = list(keys)
    if gone:
        _change(lake, lambda notes: _forget(notes, gone))


def _forget(notes: Notes, keys: Iterable[str]) -> None:
    notes.executemany("delete from checksums where path = ?", [(key,) for key in keys])


def note_dropped(lake: Lake, table: str, month: date) -> None:
    """Note that a month of a table is about to lose its files, and is to be written again."""

    def note(notes: Notes) -> None:
        _forget_dropped(notes, [(table, month)])
        notes.execute("insert into dropped values (?, ?)", [table, month.isoformat()])

    _change(lake, note)


def forget_dropped(lake: Lake, written: Iterable[tuple[str, date]]) -> None:
    """The months of these tables have been written again."""
    if _may_have_notes(lake):
        note_written(lake, {}, written)


def _forget_dropped(notes: Notes, months: Iterable[tuple[str, date]]) -> None:
    rows = [(table, month.isoformat()) for table, month in months]
    if rows:
        notes.executemany("delete from dropped where table_name = ? and month = ?", rows)


def dropped(lake: Lake) -> list[tuple[str, date]]:
    """Months of tables that lost their files and have not been written since."""
    if not _may_have_notes(lake):
        return []
    with _notes(lake) as notes:
        return _dropped(notes)


def _dropped(notes: Notes) -> list[tuple[str, date]]:
    rows = notes.execute("select table_name, month from dropped order by 1, 2").fetchall()
    return [(table, date.fromisoformat(month)) for table, month in rows]


def _may_have_notes(lake: Lake) -> bool:
    """Whether there can be any; a question makes no file."""
    path = _file(lake)
    return path is None or path.exists()


def _file(lake: Lake) -> Path | None:
    """The SQLite file of the notes; None where they are in Postgres."""
    if not is_url(lake.files):
        return Path(lake.files) / CHECKSUMS_FILE
    return lake.sqlite_path and lake.sqlite_path.with_name(CHECKSUMS_FILE)


def _change(
    lake: Lake,
    change: Callable[[Notes], None],
    beside: duckdb.DuckDBPyConnection | None = None,
) -> None:
    """Change the notes in one transaction, again while another process changes the same ones.

    Two writers on Postgres note each other's files, so they can meet in one row.
    WarehouseBusyError after the lake's `wait_seconds`.
    """

    def once() -> None:
        with _notes(lake, beside) as notes:
            change(notes)

    try:
        attempts(lake)(once)
    except RetryError as error:
        raise busy_error(lake) from error


@contextmanager
def _notes(lake: Lake, beside: duckdb.DuckDBPyConnection | None = None) -> Iterator[Notes]:
    """The tables, in one transaction; made where they are missing."""
    path = _file(lake)
    if path is not None:
        with closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as store, store:
            for table in TABLES:
                store.execute(f"create table if not exists {table}")
            yield store
        return
    # Not through the lake: who notes may have opened it read-only, or be in a transaction.
    own = beside.cursor() if beside is not None else connect_quietly(lake.config())
    with closing(own) as connection:
        address = literal(lake.catalog.partition(":")[2])
        # Of one schema: the catalog's tables are in the same database, and DuckDB would ask the
        # server for the columns of each.
        only = f"type postgres, schema {literal(SCHEMA)}"
        connection.execute(f"attach if not exists {address} as notes ({only})")
        if not _has_tables(connection):
            attempts(lake)(_make_tables, connection)
        connection.execute(f"use notes.{SCHEMA}")
        connection.execute("begin")
        yield connection
        connection.execute("commit")


def _has_tables(connection: duckdb.DuckDBPyConnection) -> bool:
    asked = f"select count(*) from pg_tables where schemaname = {literal(SCHEMA)}"
    row = connection.execute(f"from postgres_query('notes', {literal(asked)})").fetchone()
    return row is not None and row[0] >= len(TABLES)


def _make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"create schema if not exists notes.{SCHEMA}")
    for table in TABLES:
        connection.execute(f"create table if not exists notes.{SCHEMA}.{table}")
