"""Looks for a customer in files of every kind the platform writes: the proof that an erasure is
complete.

The id is looked for as a whole value and as a whole word in longer text, the hashed numbers as
values and as digits. An id shorter than `WORD_CHARACTERS` is looked for as a value only, and in
files without values not at all: as a word it would be found everywhere.
"""

import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import lmdb

from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.erasure.raw_bytes import (
    WORD_CHARACTERS,
    in_bytes,
    in_overlay,
    in_segment,
    word,
    words_of,
)
from churn_platform.published.format import FEATURES_FILE
from churn_platform.published.prediction_log import CLOSED_SUFFIX, OPEN_SUFFIX
from churn_platform.published.pushed_features import is_overlay
from churn_platform.sql import identifier, reader_pattern
from churn_platform.warehouse.lake import Lake

TABLE_NUMBER = "table_id"
PARQUET, SQLITE, GZIP = b"PAR1", b"SQLite format 3\0", b"\x1f\x8b"


def find(
    connection: duckdb.DuckDBPyConnection,
    paths: Iterable[Path],
    subject: ErasedCustomer,
    *,
    foreign: Collection[int] = (),
) -> dict[Path, int]:
    """How often each file names the subject, without the files that do not.

    What a catalog notes of `foreign`, tables of other portfolios by number, does not count.
    """
    counts = {}
    for path in paths:
        count = count_in(connection, path, subject, foreign=foreign)
        if count:
            counts[path] = count
    return counts


def count_in(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    subject: ErasedCustomer,
    *,
    foreign: Collection[int] = (),
) -> int:
    """How many rows, records or words of a file name the subject."""
    if path.name == FEATURES_FILE:
        return int(is_in_lookup(path, subject.customer_id))
    if is_overlay(path):
        return in_overlay(path, subject)
    if path.suffix in (OPEN_SUFFIX, CLOSED_SUFFIX):
        return in_segment(path, subject)

    with path.open("rb") as file:
        start = file.read(len(SQLITE))

    # By content, not by suffix: a file with another name must not escape the search. Values are
    # read, not bytes, because these formats compress and cut them.
    if start.startswith(PARQUET):
        return _in_parquet(connection, path, subject)
    if start.startswith(SQLITE):
        return _in_sqlite(path, subject, foreign)

    return in_bytes(path, subject, compressed=start.startswith(GZIP))


def find_in_lake(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    keys: Iterable[str],
    subject: ErasedCustomer,
) -> dict[str, int]:
    """How often each file of the lake names the subject, without the files that do not.

    In a store DuckDB reads of a Parquet file the columns that can name a customer; any other object
    is searched in a copy, since it has no business there and nothing is known of it.
    """
    counts = {key: _count_in_lake(connection, lake, key, subject) for key in keys}
    return {key: count for key, count in counts.items() if count}


def _count_in_lake(
    connection: duckdb.DuckDBPyConnection, lake: Lake, key: str, subject: ErasedCustomer
) -> int:
    if lake.opened.is_remote and lake.opened.start_of(key, len(PARQUET)) == PARQUET:
        return _in_parquet(connection, lake.opened.place(key), subject)
    with lake.opened.local(key, lake.temp_dir) as path:
        return count_in(connection, path, subject)


def is_in_lookup(path: Path, customer_id: str) -> bool:
    """Whether a published look-up has the customer."""
    with reading_lookup(path) as customers:
        return customers.get(customer_id.encode()) is not None


@contextmanager
def reading_lookup(path: Path) -> Iterator[lmdb.Transaction]:
    """A published look-up, to be read for as long as the block runs."""
    with (
        # Without a lock file: the folder may be read-only, and nothing writes a published look-up.
        lmdb.open(
            str(path),
            subdir=False,
            readonly=True,
            lock=False,
        ) as store,
        store.begin() as transaction,
    ):
        yield transaction


def _in_parquet(
    connection: duckdb.DuckDBPyConnection, path: Path | str, subject: ErasedCustomer
) -> int:
    reader = "read_parquet($path, hive_partitioning = false)"
    pattern = reader_pattern(path)
    columns = connection.execute(f"describe select * from {reader}", {"path": pattern}).fetchall()

    tests = []
    for name, sql_type, *_ in columns:
        test = _names(identifier(name), sql_type, subject)
        if test:
            tests.append(f"coalesce({test}, false)")

    if not tests:
        return 0

    query = f"select count(*) from {reader} where {' or '.join(tests)}"
    values = {
        "path": pattern,
        "id": subject.customer_id,
        "word": word(subject.customer_id),
        "numbers": list(subject.numbers),
    }

    # DuckDB refuses a value that the query does not name.
    named = {}
    for name, value in values.items():
        if f"${name}" in query:
            named[name] = value

    row = connection.execute(query, named).fetchone()
    assert row is not None
    return row[0]


def _names(column: str, sql_type: str, subject: ErasedCustomer) -> str | None:
    """SQL for whether a value names the subject; None if a column of that type cannot."""
    if sql_type in ("UBIGINT", "HUGEINT", "UHUGEINT"):
        return f"list_contains($numbers::ubigint[], {column})" if subject.numbers else None
    if sql_type == "VARCHAR[]":  # as text, a list would quote its values
        return f"len(list_filter({column}, lambda value: {_is_named('value', subject)})) > 0"

    return (
        _is_named(f"{column}::varchar", subject)
        if "VARCHAR" in sql_type or sql_type == "JSON"
        else None
    )


def _is_named(text: str, subject: ErasedCustomer) -> str:
    named = f"{text} = $id or (contains({text}, $id) and regexp_matches({text}, $word))"
    return named if len(subject.customer_id) >= WORD_CHARACTERS else f"{text} = $id"


def _in_sqlite(path: Path, subject: ErasedCustomer, foreign: Collection[int]) -> int:
    """Rows of any table with a value that names the subject."""
    words = re.compile("|".join(words_of(subject)) or r"(?!)")
    values = {subject.customer_id, *map(str, subject.numbers)}

    def names(value: object) -> bool:
        text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        return text in values or words.search(text) is not None

    address = f"{path.absolute().as_uri()}?mode=ro"
    found = 0
    with closing(sqlite3.connect(address, uri=True)) as database:
        for row in _rows(database, foreign):
            if any(map(names, row)):
                found += 1

    return found


def _rows(database: sqlite3.Connection, foreign: Collection[int]) -> Iterator[Sequence[object]]:
    tables = database.execute("select name from sqlite_master where type = 'table'").fetchall()
    for (table,) in tables:
        if about(table) in foreign:
            continue
        rows = database.execute(f"select * from {identifier(table)}")
        columns = [column for column, *_ in rows.description]
        if TABLE_NUMBER not in columns:
            yield from rows
            continue

        place = columns.index(TABLE_NUMBER)
        for row in rows:
            if row[place] not in foreign:
                yield row


def about(catalog_table: str) -> int | None:
    """The number of the table whose small inserts a table of the catalog holds;
    None for any other.
    """
    found = re.fullmatch(r"ducklake_inlined_data_(\d+)_\d+", catalog_table)
    return int(found[1]) if found else None
