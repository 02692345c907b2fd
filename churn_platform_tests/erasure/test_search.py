"""The search finds a customer in every kind of file, and takes nobody else for the customer."""

import gzip
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import lmdb
import pytest
from pyarrow import parquet as parquet_files

from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.erasure.search import count_in
from churn_platform.errors import DataError
from churn_platform.published.format import FEATURES_FILE
from churn_platform_tests.erasure.conftest import plain
from churn_platform_tests.support.invariants import invariant

ADA, NUMBER = "C-1001", 2**63 + 11
SUBJECT = ErasedCustomer("tiny", ADA, (NUMBER,), {})
NEIGHBOURS = ["C-10011", "BC-1001", "c-1001", "C-1002", "C 1001", ""]
Write = Callable[[Path, list[str]], Path]


def write_parquet(path: Path, query: str, texts: list[str]) -> Path:
    """The rows of a query on the texts."""
    parquet_files.write_table(duckdb.execute(query, [texts]).to_arrow_table(), path)
    return path


def parquet(folder: Path, texts: list[str]) -> Path:
    """A column of text."""
    return write_parquet(folder / "some.parquet", "select unnest(?::varchar[]) as note", texts)


def nested_parquet(folder: Path, texts: list[str]) -> Path:
    """A column of lists of text, as reasons are kept."""
    return write_parquet(
        folder / "nested.parquet", "select [unnest(?::varchar[]), 'other', null] as reasons", texts
    )


def sqlite(folder: Path, texts: list[str]) -> Path:
    """A table whose name has to be quoted, with text and the same as bytes."""
    path = folder / "some.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute('create table "order" (note text, packed blob)')
        database.executemany(
            'insert into "order" values (?, ?)', [(text, text.encode()) for text in texts]
        )
    return path


def compressed(folder: Path, texts: list[str]) -> Path:
    """The same, compressed, under a name that does not say so."""
    path = folder / "some.txt"
    path.write_bytes(gzip.compress("\n".join(texts).encode()))
    return path


KINDS = pytest.mark.parametrize("write", [parquet, nested_parquet, sqlite, plain, compressed])


@KINDS
@invariant("Care", "The search finds a customer in every kind of file.")
def test_the_id_is_found_as_a_value_and_within_text(tmp_path: Path, write: Write) -> None:
    """Each of three rows names the customer, whatever stands beside the id."""
    path = write(tmp_path, [*NEIGHBOURS, ADA, f"unknown customer: {ADA}, and others", f"'{ADA}'"])
    assert count_in(duckdb.connect(), path, SUBJECT) == 3


@KINDS
@invariant("Care", "The search takes no other customer for the one who is erased.")
def test_nobody_else_is_found(tmp_path: Path, write: Write) -> None:
    """Ids that contain the id, or differ in case or sign, are others'; a file
    of them names nobody.
    """
    assert count_in(duckdb.connect(), write(tmp_path, NEIGHBOURS), SUBJECT) == 0


@KINDS
def test_an_id_is_no_pattern(tmp_path: Path, write: Write) -> None:
    """Characters with a meaning in regular expressions and SQL stand for themselves."""
    odd = "O'N.*l (1)"
    path = write(tmp_path, [odd, "O'Neil (1)", "O'N.*l 1"])
    assert count_in(duckdb.connect(), path, ErasedCustomer("tiny", odd, (), {})) == 1


def test_a_short_id_is_looked_for_as_a_value_only(tmp_path: Path) -> None:
    """`42` is a customer where it fills a field, not where it is a part of a text."""
    subject = ErasedCustomer("tiny", "42", (), {})
    texts = ["42", "42 rows"]
    assert count_in(duckdb.connect(), parquet(tmp_path, texts), subject) == 1
    assert count_in(duckdb.connect(), nested_parquet(tmp_path, texts), subject) == 1
    assert count_in(duckdb.connect(), sqlite(tmp_path, texts), subject) == 1
    assert count_in(duckdb.connect(), plain(tmp_path, texts), subject) == 0


def test_a_number_is_found_as_a_number_and_as_digits(tmp_path: Path) -> None:
    """The hash of the own number, in a column of such hashes and in text; its neighbours are
    others'.
    """
    path = tmp_path / "calls.parquet"
    duckdb.sql(
        f"select unnest([{NUMBER}, {NUMBER - 1}, null])::ubigint as contact_hash"
    ).write_parquet(str(path))
    assert count_in(duckdb.connect(), path, SUBJECT) == 1
    assert (
        count_in(duckdb.connect(), plain(tmp_path, [f"min {NUMBER} max {NUMBER}1"]), SUBJECT) == 1
    )


def test_a_look_up_is_searched_by_key(tmp_path: Path) -> None:
    """An id that begins with the id is another's."""
    path = tmp_path / FEATURES_FILE
    for name, expected in (("C-10011", 0), (ADA, 1)):
        with (
            lmdb.open(str(path), subdir=False, map_size=2**20) as store,
            store.begin(write=True) as transaction,
        ):
            transaction.put(name.encode(), b"x")
        assert count_in(duckdb.connect(), path, SUBJECT) == expected


def test_what_a_catalog_notes_of_foreign_tables_does_not_count(tmp_path: Path) -> None:
    """Small inserts and column statistics of another portfolio's table: the same id there is
    another customer's.
    """
    path = tmp_path / "catalog.sqlite"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("create table ducklake_inlined_data_4_2 (customer_id blob)")
        database.execute("create table statistics (table_id integer, min_value text)")
        database.execute("insert into ducklake_inlined_data_4_2 values (?)", [ADA.encode()])
        database.execute("insert into statistics values (4, ?), (5, ?)", [ADA, ADA])
    assert count_in(duckdb.connect(), path, SUBJECT) == 3
    assert count_in(duckdb.connect(), path, SUBJECT, foreign={4}) == 1


def test_what_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    """A compressed file cut short might hold the customer beyond its end."""
    path = compressed(tmp_path, [ADA] * 1_000)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"some\.txt: looks compressed but cannot be read"):
        count_in(duckdb.connect(), path, SUBJECT)
