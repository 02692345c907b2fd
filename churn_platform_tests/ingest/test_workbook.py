"""Sheets of Excel workbooks are read as tables; which one is asked where it is not clear."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from churn_platform.errors import LandingError
from churn_platform.ingest.open_file import opened
from churn_platform.ingest.text_layout import Wanted
from churn_platform.portfolios.spec import FileOptions
from churn_platform_tests.support.workbooks import write_workbook

TABLE = [
    ["Customers of", date(2025, 1, 31)],
    [],
    ["id", "joined", "fee", "note", "churn"],
    [1001, None, 62.44, "n/a", "No"],
    [1002, date(2018, 11, 3), 7, None, "Yes"],
    [1003, date(2019, 7, 11), 0.5, "K\u00f6ln", "No"],
    [],
    ["Total", None, 69.94],
]
ROWS = [
    ("1001", None, "62.44", "n/a", "No"),
    ("1002", "2018-11-03", "7", None, "Yes"),
    ("1003", "2019-07-11", "0.5", "K\u00f6ln", "No"),
]


@pytest.fixture
def read(tmp_path: Path, extensions: Path):
    """Reads a workbook of these sheets: its rows, and the findings."""

    def reading(sheets: dict[str, Any], **said: str) -> tuple[list[tuple[Any, ...]], str]:
        path = write_workbook(tmp_path / "given.xlsx", sheets)
        wanted = Wanted(frozenset({"id", "churn"}), "id")
        connection = duckdb.connect()
        with opened(
            connection,
            path,
            options=FileOptions(**said),  # type: ignore[arg-type]
            wanted=wanted,
            temp_dir=tmp_path / "tmp",
            extension_dir=extensions,
        ) as file:
            return connection.execute(f"from {file.reader}").fetchall(), "; ".join(file.findings)

    return reading


def test_a_sheet_is_a_table(read) -> None:
    """Titles and totals are left out, whole numbers and days are written as such, empty sheets do
    not count.
    """
    rows, said = read({"Empty": [], "Export": TABLE})
    assert rows == ROWS
    assert "sheet 'Export' was read" in said
    assert "the headers are in line 3" in said


def test_of_several_sheets_one_is_asked(read) -> None:
    """The refusal lists them; the one that is said is read."""
    with pytest.raises(
        LandingError, match=r"2 sheets \('Notes', 'Export'\); say which, by `--sheet`"
    ):
        read({"Notes": [["hello"]], "Export": TABLE})
    assert read({"Notes": [["hello"]], "Export": TABLE}, sheet="Export")[0] == ROWS
    with pytest.raises(
        LandingError, match="there is no sheet 'Import'; the file has 'Notes', 'Export'"
    ):
        read({"Notes": [["hello"]], "Export": TABLE}, sheet="Import")
