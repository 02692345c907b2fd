"""Files that cannot be read are refused with a cause that helps, before anything is loaded."""

import gzip
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_platform.errors import LandingError
from churn_platform.ingest.headers import normalised
from churn_platform.ingest.landed_files import find_delivery, landed_files, passed_over
from churn_platform_tests.ingest.conftest import CALLS, CALLS_HEADER, CUSTOMERS
from churn_platform_tests.support.tiny import FEBRUARY

PACKED = gzip.compress(
    CALLS.encode(), mtime=0
)  # the bytes name tests, and must not depend on the clock


@pytest.mark.parametrize(
    ("suffix", "content", "cause"),
    [
        ("csv", b"", "the file is empty (0 bytes)"),
        ("csv", b"\n\n", "the first line is empty"),
        ("csv", CALLS_HEADER, "the file has headers but no rows"),
        ("csv", CALLS_HEADER.strip(), "the file has headers but no rows"),
        (
            "csv",
            CALLS.removesuffix("5,no,voice,1\n"),
            "line 4: the line has too few or too many fields",
        ),
        ("csv", CALLS + "K9," * 20 + "\n", "line 5: the line has too few or too many fields"),
        ("csv", CALLS.replace("K1", '"K1'), "a quotation mark is not closed"),
        ("csv", CALLS.removeprefix(CALLS_HEADER), "has no header line of this table"),
        (
            "csv",
            CALLS.replace("kind,cost_eur", "Call ID,kind"),
            "columns 'call_id' and 'Call ID' are one name",
        ),
        (
            "csv",
            CALLS.replace("kind,cost_eur", "kind,call_id"),
            "columns 'call_id' and 'call_id' are one name",
        ),
        (
            "csv",
            CALLS.replace("kind,cost_eur", "kind,CALL_ID"),
            "columns 'call_id' and 'CALL_ID' are one name",
        ),
        ("csv.gz", PACKED[: len(PACKED) // 2], "it is truncated or not gzip"),
        ("csv.gz", CALLS, "it is truncated or not gzip"),
        ("csv.gz", gzip.compress(b"", mtime=0), "the first line is empty"),
        ("parquet", CALLS, "it is truncated or not Parquet"),
    ],
)
def test_an_unreadable_file_is_refused_with_its_cause(january, suffix, content, cause):
    """The message names the file and the likely cause; what was loaded stays."""
    path = january.put("calls", content, suffix=suffix)
    message = january.refused("calls")
    assert cause in message
    assert str(path) in message


@pytest.mark.parametrize("cut", [slice(0, 100), slice(100, None), slice(0, -1)])
def test_a_truncated_parquet_file_is_refused(january, cut):
    """A Parquet file that lacks its head, its end or a byte is not read."""
    path = january.put("calls", b"", suffix="parquet")
    pq.write_table(pa.table({"call_id": ["K1"] * 50}), path)
    path.write_bytes(path.read_bytes()[cut])
    assert "it is truncated or not Parquet" in january.refused("calls")


def test_a_parquet_file_with_a_name_twice_is_refused(january):
    """Of two columns with one name, none is taken silently."""
    path = january.put("calls", b"", suffix="parquet")
    pq.write_table(
        pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["call_id", "call_id"]), path
    )
    assert "columns 'call_id' and 'call_id' are one name" in january.refused("calls")


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
def test_a_file_without_permission_is_refused_as_such(january, suffix, monkeypatch):
    """It may be whole; nobody is told to deliver it again."""
    january.put("customers", CUSTOMERS, suffix=suffix)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert f"2025-01.{suffix}: no permission to read it" in january.refused("customers")


def test_files_are_landed_under_the_name_of_their_month(tmp_path):
    """Months come oldest first; drafts are neither landed nor passed over, other names and kinds
    are told.
    """
    odd = [
        "2025-00.csv~",
        "2025-01-01.csv",
        "2025-1.csv",
        "2025-13.parquet",
        "2025-01.doc",
        "notes.csv",
    ]
    for name in (
        "2025-02.csv",
        "2025-01.csv.gz",
        "2025-01.parquet",
        "2025-04.TXT",
        "2025-05.xlsx",
        ".2025-03.unfinished",
        *odd,
    ):
        (tmp_path / name).touch()
    found = {
        month: [path.name for path in paths] for month, paths in landed_files(tmp_path).items()
    }
    assert list(found.items()) == [
        (FEBRUARY.replace(month=1), ["2025-01.csv.gz", "2025-01.parquet"]),
        (FEBRUARY, ["2025-02.csv"]),
        (FEBRUARY.replace(month=4), ["2025-04.TXT"]),
        (FEBRUARY.replace(month=5), ["2025-05.xlsx"]),
    ]
    assert [path.name for path in passed_over(tmp_path)] == sorted(odd)
    assert (landed_files(tmp_path / "none"), passed_over(tmp_path / "none")) == ({}, [])


def test_a_month_has_one_file(january):
    """No file, and two files, are told apart, with the place and the names."""
    path = january.put("customers", CUSTOMERS)
    path.with_name("2025-01.csv.gz").write_bytes(gzip.compress(CUSTOMERS.encode()))
    assert "2 files for one month (2025-01.csv, 2025-01.csv.gz)" in january.refused("customers")
    told = (
        r"no file for tiny/customers of 2025-02; only 2025-01 has landed; put one at .*2025-02\.csv"
    )
    with pytest.raises(LandingError, match=told):
        find_delivery(january.folder, "tiny", "customers", FEBRUARY)


def test_a_change_of_a_found_file_is_noticed(january):
    """A file that grew since it was found has changed."""
    path = january.put("customers", CUSTOMERS)
    found = find_delivery(january.folder, "tiny", "customers", FEBRUARY.replace(month=1))
    assert not found.changed()
    path.write_text(CUSTOMERS * 2)
    assert found.changed()


@pytest.mark.parametrize(
    "header",
    [
        "TotalCharges",
        "total charges",
        "\ufeff  Total  Charges\r",
        "TOTAL-CHARGES",
        "total_charges ",
    ],
)
def test_spellings_of_a_header_are_one_name(header):
    """Case, blanks, BOM, hyphens and camel case do not matter."""
    assert normalised(header) == "total_charges"
