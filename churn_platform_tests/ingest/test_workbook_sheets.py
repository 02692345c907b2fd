"""The sheet that is read is the one that is said, or the only one with values."""

from pathlib import Path

import pytest

from churn_platform.ingest.soundness import OtherKind
from churn_platform.ingest.workbook_sheets import (
    Sheet,
    SheetNotClear,
    chosen_sheet,
    sheets_of,
)
from churn_platform_tests.support.workbooks import write_workbook

TABLE = [["id", "fee"], [1, 2.5], [2, 3.5]]


def test_sheets_are_listed_with_their_extent(tmp_path: Path):
    """In the order of the workbook; an empty one has no column."""
    path = write_workbook(tmp_path / "given.xlsx", {"Empty": [], "Export": TABLE})
    assert sheets_of(path) == [Sheet("Empty", 0, 0), Sheet("Export", 2, 3)]


def test_the_only_sheet_with_values_is_chosen(tmp_path: Path):
    """Empty ones do not count."""
    path = write_workbook(tmp_path / "given.xlsx", {"Empty": [], "Export": TABLE})
    assert chosen_sheet(path, None).name == "Export"


def test_of_several_the_one_that_is_said_is_chosen(tmp_path: Path):
    """Without a word, or with another name, the refusal knows those there are."""
    path = write_workbook(tmp_path / "given.xlsx", {"Notes": TABLE, "Export": TABLE})
    assert chosen_sheet(path, "Export").name == "Export"
    for wanted in (None, "Import"):
        with pytest.raises(SheetNotClear) as refused:
            chosen_sheet(path, wanted)
        assert refused.value.sheets == ["Notes", "Export"]


def test_what_is_no_workbook_is_refused(tmp_path: Path):
    """By its bytes, whatever its name."""
    path = tmp_path / "given.xlsx"
    path.write_text("id,fee\n1,2.5\n")
    with pytest.raises(OtherKind, match="no Excel workbook"):
        sheets_of(path)
