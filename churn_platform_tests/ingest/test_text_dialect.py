"""Lines are cut into fields as their quotation marks say."""

import csv

import pytest

from churn_platform.ingest.text_dialect import (
    Dialect,
    dialects,
    first_records,
    hinted_separator,
)


def fields(dialect: Dialect, *lines: str) -> list[list[str]]:
    """The fields of each row."""
    return [list(record.fields) for record in dialect.records(lines, strict=True)]


def test_a_row_knows_its_lines():
    """A value with a line end makes a row of two lines."""
    first, second = Dialect(",").records(['1,"a\n', 'b"\n', "2,c\n"], strict=True)
    assert (first.first_line, first.last_line, list(first.fields)) == (1, 2, ["1", "a\nb"])
    assert (second.first_line, second.last_line) == (3, 3)


def test_a_backslash_counts_before_quotation_marks_alone():
    """One in a path stays where it is."""
    dialect = Dialect(",", has_backslashes=True)
    assert fields(dialect, r'"a \"b\"",C:\temp') == [['a "b"', r"C:\temp"]]


def test_excel_names_the_separator():
    """The first line may do so, behind a byte-order mark too."""
    assert hinted_separator(["\ufeffsep=;\n", "a;b\n"]) == ";"
    assert hinted_separator(["a;b\n"]) is None
    assert hinted_separator([]) is None


@pytest.mark.parametrize(
    ("lines", "tried"),
    [
        (["id,name\n", "1,O'Neill\n"], [Dialect(",")]),
        (["'id','name'\n", "'1','Ada'\n"], [Dialect(",", "'")]),
        (["id,name\n", "'1',Ada\n", "'2',Bob\n"], [Dialect(",", "'")]),
        (['id, "name"\n', "1,Ada\n"], [Dialect(",", has_blanks_before=True)]),
        (
            ["id,name\n", '1,"A \\"B\\""\n'],
            [Dialect(","), Dialect(",", has_backslashes=True)],
        ),
    ],
)
def test_what_is_tried_follows_from_the_lines(lines: list[str], tried: list[Dialect]):
    """Single quotes only where they wrap values, backslashes only where there are some."""
    assert dialects(",", None, lines) == tried


def test_the_first_rows_end_where_quotation_marks_do_not_fit():
    """What was read before is kept."""
    long = "x" * (csv.field_size_limit() + 1)
    records = first_records(["1,a\n", f"2,{long}\n", "3,c\n"], Dialect(","))
    assert [list(record.fields) for record in records] == [["1", "a"]]
