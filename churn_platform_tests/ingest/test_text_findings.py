"""What is odd about a delivered text is said in words."""

from dataclasses import replace

from churn_platform.ingest.text_dialect import Dialect
from churn_platform.ingest.text_findings import on_layout, on_line_ends
from churn_platform.ingest.text_layout import Layout
from churn_platform.ingest.text_scan import TextScan

PLAIN = Layout(
    dialect=Dialect(","),
    skip=0,
    headers=("id", "fee"),
    header_record=("id", "fee"),
    header_lines=1,
    width=2,
    key=0,
    matched=2,
    agreement=1.0,
)


def test_a_plain_layout_is_not_worth_a_word():
    """Nor are the usual line ends."""
    assert on_layout(PLAIN, []) == []
    assert on_line_ends(TextScan(has_lf=True)) == []


def test_cr_alone_is_said():
    """It is odd only where no other line end is there."""
    assert on_line_ends(TextScan(has_bare_cr=True)) == [
        "lines end in CR alone, as on an old Macintosh"
    ]
    assert on_line_ends(TextScan(has_bare_cr=True, has_lf=True)) == []


def test_the_dialect_is_said():
    """Separator, quotation marks, backslashes."""
    said = on_layout(replace(PLAIN, dialect=Dialect(";", "'", has_backslashes=True)), [])
    assert said == [
        "fields are cut at each semicolon; `separator:` in the spec changes it",
        "values are in ' marks, which were taken off",
        "quotation marks inside values are written with a backslash",
    ]


def test_lines_above_the_headers_are_shown():
    """Excel's word for the separator apart, of the others three that are not blank."""
    above = ["sep=,\n", "Customers,\n", "\n", "of May\n", "2025\n", "draft\n"]
    assert on_layout(replace(PLAIN, skip=6), above) == [
        "line 1 names the separator: 'sep=,'",
        "the headers are in line 7; above them: 'Customers', 'of May', '2025'",
    ]
    assert on_layout(replace(PLAIN, skip=1), ["\n"]) == [
        "the headers are in line 2; above them: blank lines"
    ]


def test_headers_with_another_name_are_said():
    """Those with a line end, and those without a word."""
    odd = replace(
        PLAIN, headers=("id", "monthly fee", "column3"), header_record=("id", "monthly\nfee", " ")
    )
    assert on_layout(odd, []) == [
        "the header 'monthly\\nfee' is called 'monthly fee'",
        "columns without a header are called 'column3'",
    ]
