"""What a delivery that keeps its contract brings, and what a re-delivery replaces."""

import gzip
import hashlib
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_platform.errors import LandingError
from churn_platform.ingest.load import filled_tables
from churn_platform.warehouse.tables import current_snapshot
from churn_platform_tests.ingest.conftest import CALLS, CALLS_HEADER, CUSTOMERS, KEY, PHONES
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, TINY


def sha64(number: str) -> int:
    """The first 16 hex digits of the keyed hash."""
    return int(hashlib.sha256((KEY + number).encode()).hexdigest()[:16], 16)


def as_parquet(path: Path, *, missing_cost: float | None = None) -> None:
    """The calls of CALLS with native types."""
    pq.write_table(
        pa.table(
            {
                "call_id": ["K1", "K2", "K3"],
                "customer_id": ["C1", "C2", "C1"],
                "started_at": pa.array(
                    [
                        datetime(2025, 1, 1),
                        datetime(2025, 1, 31, 23, 59, 59, 999999),
                        datetime(2025, 1, 15, 10),
                    ],
                    pa.timestamp("us"),
                ),
                "contact": ["+393339990001", None, "+393339990002"],
                "duration_s": pa.array([60.0, 0.0, 5.0], pa.float64()),
                "is_dropped": [True, False, False],
                "kind": pa.array(["voice", "sms", "voice"]).dictionary_encode(),
                "cost_eur": [0.5, missing_cost, 1.0],
            }
        ),
        path,
    )


def test_values_arrive_in_the_contracts_types(january):
    """A row holds what the file said, typed, the missing as null, the numbers
    hashed with the key.
    """
    assert january.rows("calls")[:2] == [
        (JANUARY, "K1", "C1", datetime(2025, 1, 1), sha64("+393339990001"), 60, True, "voice", 0.5),
        (
            JANUARY,
            "K2",
            "C2",
            datetime(2025, 1, 31, 23, 59, 59, 999999),
            None,
            0,
            False,
            "sms",
            None,
        ),
    ]
    assert january.rows("customers")[0] == (
        JANUARY,
        "C1",
        sha64(PHONES["C1"]),
        9.5,
        date(2020, 2, 29),
    )


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        ("csv.gz", gzip.compress(CALLS.encode(), mtime=0)),
        ("csv", CALLS.replace(",", ";")),
        ("csv", CALLS.replace(",", "\t")),
        ("csv", b"\xef\xbb\xbf" + CALLS.replace("\n", "\r\n").encode()),
        ("csv", CALLS + "\n\n"),
        ("csv", CALLS.replace("call_id,customer_id", '"Call  ID", CustomerId ')),
        ("csv", CALLS.replace("\n", ",x\n").replace("cost_eur,x", "cost_eur,名前")),
        ("parquet", b""),
    ],
    ids=[
        "gzip",
        "semicolon",
        "tab",
        "bom and crlf",
        "blank lines",
        "odd headers",
        "more columns",
        "parquet",
    ],
)
def test_every_spelling_of_a_file_gives_the_same_rows(landing, suffix, content):
    """Format, separator, line ends and spelling of headers make no difference to the table."""
    expected = landing.rows("calls")
    path = landing.put("calls", content, suffix=suffix)
    if suffix == "parquet":
        as_parquet(path)
    assert landing.load("calls").rows == 3
    assert landing.rows("calls") == expected


def test_nan_in_parquet_is_a_missing_value(landing):
    """pandas writes missing numbers as NaN: they are missing, not of a wrong type."""
    expected = landing.rows("calls")
    as_parquet(landing.put("calls", b"", suffix="parquet"), missing_cost=float("nan"))
    landing.load("calls")
    assert landing.rows("calls") == expected


def test_tables_without_a_row_are_not_filled(january):
    """A table that is made when nothing has landed has nothing to show."""
    assert [table.name for table in filled_tables(january.connection, TINY)] == [
        "customers",
        "calls",
    ]
    january.connection.execute("delete from tiny_raw.calls")
    assert [table.name for table in filled_tables(january.connection, TINY)] == ["customers"]


def test_a_redelivery_replaces_its_month_alone(landing):
    """Loading January again, with other rows, leaves February as it is."""
    landing.put("customers", CUSTOMERS, FEBRUARY)
    landing.load("customers", FEBRUARY)
    landing.put("customers", CUSTOMERS.splitlines()[0] + "\nC9,+39,1,\n")
    landing.load("customers")
    assert [row[:2] for row in landing.rows("customers")] == [
        (JANUARY, "C9"),
        (FEBRUARY, "C1"),
        (FEBRUARY, "C2"),
    ]


def test_loading_twice_gives_the_same_table(landing):
    """The same file loaded again changes no row."""
    before = landing.rows("calls")
    landing.put("calls", CALLS)
    landing.load("calls")
    assert landing.rows("calls") == before


@invariant("Time and data", "No phone number is stored in clear.")
def test_no_number_is_stored_in_clear(landing):
    """Neither the lake's files nor its catalog hold a phone number, nor the key."""
    landing.connection.execute("call ducklake_flush_inlined_data('lake')")
    folder = Path(landing.lake.files).parent
    stored = [path for path in folder.rglob("*") if path.is_file() and "landed" not in path.parts]
    assert any(path.suffix == ".parquet" for path in stored)
    clear = [number[3:].encode() for number in (*PHONES.values(), "+393339990001", "+393339990002")]
    found = [
        (path.name, text)
        for path in stored
        for text in (*clear, KEY.encode())
        if text in path.read_bytes()
    ]
    assert found == []


def test_a_file_rewritten_while_it_is_read_is_refused(landing, monkeypatch):
    """A file that changes between check and load brings nothing."""
    before = landing.rows("calls"), current_snapshot(landing.connection)
    monkeypatch.setattr("churn_platform.ingest.landed_files.Delivery.changed", lambda _: True)
    landing.put("calls", CALLS_HEADER + "K9,C1,2025-01-02 00:00:00,,1,true,sms,\n")
    with pytest.raises(LandingError, match="rewritten while it was being read"):
        landing.load("calls")
    assert (landing.rows("calls"), current_snapshot(landing.connection)) == before
