"""Delivered values become the contract's types, or are found to be none."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_platform.ingest.casting import cast
from churn_platform.portfolios.spec import Column

Read = Callable[..., Any]


@pytest.fixture(scope="module")
def read() -> Read:
    """Reads a value, delivered as an SQL type, as a type of the contract; the session is not in
    UTC.
    """
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'America/New_York'")

    def read(kind: str, value: object, sql_type: str = "VARCHAR") -> Any:
        column = Column.model_validate({"name": "x", "type": kind, "description": "x"})
        query = f"select {cast(column, 'x', sql_type)} from (select ?::{sql_type} as x)"
        row = connection.execute(query, [value]).fetchone()
        assert row is not None
        return row[0]

    return read


@given(st.text(alphabet=" \t\u00a0\u2003\u3000a!~\x7fé", max_size=5))
def test_text_is_cut_of_blanks_of_every_script(read, text):
    """Blanks that DuckDB knows, inside ASCII and outside, go at both ends; text of nothing else is
    missing.
    """
    assert read("string", text) == (text.strip(" \u00a0\u2003\u3000") or None)


@given(
    number=st.integers(-(2**63), 2**63 - 1),
    sign=st.sampled_from(["", "+"]),
    blanks=st.sampled_from(["", " "]),
)
def test_every_64_bit_integer_is_read_exactly(read, number, sign, blanks):
    """Python and the lake agree on every integer, also beyond the 53 bits of a double."""
    text = f"{blanks}{sign if number >= 0 else ''}{number}{blanks}"
    assert read("integer", text) == int(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_an_integer_is_never_a_rounded_number(read, number):
    """A number written with a fraction or exponent is an integer only where it is a whole, exactly
    known one.
    """
    expected = int(number) if number.is_integer() and abs(number) < 2**53 else None
    if "e" in repr(number) or number.is_integer() is False or abs(number) < 2**53:
        assert read("integer", repr(number)) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_as_python_reads_them(read, number):
    """Text and double round-trip."""
    assert read("number", repr(number)) == number


@given(st.text(alphabet="tTrRuUeEfFaAlLsSyYnNoO01. ", max_size=6))
def test_booleans_are_words_known_in_advance(read, text):
    """Each of the known words, in any case, and nothing else, is a truth value."""
    word = text.strip(" ").lower()
    known = dict.fromkeys(("true", "t", "yes", "y", "1", "1.0"), True) | dict.fromkeys(
        ("false", "f", "no", "n", "0", "0.0"), False
    )
    assert read("boolean", text) is known.get(word)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)),
    st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters))),
    st.sampled_from(["T", " "]),
)
def test_offsets_become_utc(read, moment, zone, separator):
    """A timestamp with an offset is the same instant in UTC, one without is UTC already."""
    zoned = moment.replace(tzinfo=zone)
    assert read("timestamp", zoned.isoformat(separator)) == zoned.astimezone(UTC).replace(
        tzinfo=None
    )
    assert read("timestamp", moment.isoformat(separator)) == moment


def test_instants_do_not_depend_on_the_sessions_zone(read):
    """Zulu time, named zones and Parquet's zoned timestamps are instants wherever the machine
    stands.
    """
    assert read("timestamp", "2025-01-01T00:30:00Z") == datetime(2025, 1, 1, 0, 30)
    assert read("timestamp", "2025-07-01 00:30:00 Europe/Rome") == datetime(2025, 6, 30, 22, 30)
    assert read("timestamp", "2025-01-01 00:30:00+01", "TIMESTAMP WITH TIME ZONE") == datetime(
        2024, 12, 31, 23, 30
    )
    assert read("date", "2025-01-10 00:00:00+00", "TIMESTAMP WITH TIME ZONE") == date(2025, 1, 10)
    assert read("date", "2025-01-10 00:00:00-05", "TIMESTAMP WITH TIME ZONE") is None


@pytest.mark.parametrize(
    ("kind", "value", "sql_type", "expected"),
    [
        ("date", "2024-02-29", "VARCHAR", date(2024, 2, 29)),
        ("date", "2024-02-29 00:00:00", "TIMESTAMP", date(2024, 2, 29)),
        ("date", "2024-02-29 00:00:01", "TIMESTAMP", None),
        ("integer", 2**60 + 1, "UBIGINT", 2**60 + 1),
        ("integer", 3.0, "DOUBLE", 3),
        ("integer", "2.00", "DECIMAL(10,2)", 2),
        ("number", "0.1", "DECIMAL(10,2)", 0.1),
        ("number", float("nan"), "DOUBLE", None),
        ("string", 17, "BIGINT", "17"),
        ("string", "  a b ", "VARCHAR", "a b"),
        ("boolean", 1.0, "DOUBLE", True),
    ],
)
def test_native_types_are_read(read, kind, value, sql_type, expected):
    """What a Parquet file delivers in a near type is read without loss, or not at all."""
    assert read(kind, value, sql_type) == expected


def test_hundreds_of_columns_are_cast_without_a_join() -> None:
    """A list of words is no join: with one per column, a wide file took minutes and gigabytes."""
    names = [f"c{place}" for place in range(30)]
    columns = [Column(name=name, type="number", description="x") for name in names]
    casts = ", ".join(f"{cast(column, column.name, 'VARCHAR')}" for column in columns)
    rows = ", ".join(f"'1' as {name}" for name in names)
    (plan,) = duckdb.execute(f"explain select {casts} from (select {rows}) given").fetchall()
    assert "JOIN" not in plan[1]
