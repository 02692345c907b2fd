"""A table is written again with commas, and what closes the file is left out."""

from dataclasses import replace
from pathlib import Path

import pytest

from churn_platform.errors import LandingError
from churn_platform.ingest.plain_rows import write_rows
from churn_platform.ingest.text_dialect import Dialect
from churn_platform.ingest.text_layout import Layout

SEMICOLONS = Layout(
    dialect=Dialect(";"),
    skip=1,
    headers=("id", "note"),
    header_record=("id", "note"),
    header_lines=1,
    width=2,
    key=0,
    matched=2,
    agreement=1.0,
)


def written(
    folder: Path, text: str, layout: Layout = SEMICOLONS, *, has_backslashes: bool = False
) -> tuple[str, list[str]]:
    """What is written of a text, and what was left out."""
    given = folder / "given.csv"
    given.write_text(text)
    target = folder / "plain.csv"
    left_out = write_rows(given, given, layout, target, has_backslashes=has_backslashes)
    return target.read_text(), left_out


def test_rows_are_written_with_commas(tmp_path: Path):
    """Lines above the headers stay out; a value with a comma gets quotation marks."""
    plain, left_out = written(tmp_path, "Title\nid;note\n1;a,b\n2;\n")
    assert plain == 'id,note\n1,"a,b"\n2,\n'
    assert left_out == []


def test_what_is_no_customer_is_left_out_and_said(tmp_path: Path):
    """A total, blank rows, and the headers once more."""
    plain, left_out = written(tmp_path, "Title\nid;note\n1;a\n;\nid;note\n2;b\nTotal;2\n")
    assert plain == "id,note\n1,a\n2,b\n"
    assert left_out == [
        "line 7 closes the file and was left out: 'Total;2'",
        "1 rows without any value were left out",
        "the headers are there 2 times; the repeated lines were left out",
    ]


def test_a_total_that_is_followed_by_rows_is_a_row(tmp_path: Path):
    """Only what closes the file is no customer."""
    plain, left_out = written(tmp_path, "Title\nid;note\nTotal;1\n2;b\n")
    assert plain == "id,note\nTotal,1\n2,b\n"
    assert left_out == []


def test_a_row_with_a_field_too_many_is_refused_by_its_line(tmp_path: Path):
    """It may be a separator within a value, so nothing is guessed."""
    with pytest.raises(LandingError, match="line 4"):
        written(tmp_path, "Title\nid;note\n1;a\n2;b;c\n3;d\n")


def test_backslashes_are_tried_where_it_does_not_work_without(tmp_path: Path):
    """And that is said."""
    text = 'Title\nid;note\n1;"a \\"b\\"; c"\n'
    with pytest.raises(LandingError):
        written(tmp_path, text)
    plain, left_out = written(tmp_path, text, has_backslashes=True)
    assert plain == 'id,note\n1,"a ""b""; c"\n'
    assert left_out == ["quotation marks inside values are written with a backslash"]


def test_backslashes_that_are_known_are_not_tried_again(tmp_path: Path):
    """The refusal is that of the file."""
    known = replace(SEMICOLONS, dialect=Dialect(";", has_backslashes=True))
    with pytest.raises(LandingError, match="line 3"):
        written(tmp_path, "Title\nid;note\n1;a;b\n2;c\n", known, has_backslashes=True)
