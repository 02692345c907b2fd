"""Values in a column's own format: SQL and Python read the same."""

from datetime import date

import duckdb
import pytest

from churn_platform.ingest import formatted
from churn_platform.published.value_format import ValueFormat, is_missing, read_date, read_number

NUMBERS = [
    (ValueFormat(",", "."), "1.234,5", 1234.5),
    (ValueFormat(",", "."), "1.234.567", 1234567),
    (ValueFormat(",", "."), "62,44", 62.44),
    (ValueFormat(",", "."), "1.2", None),
    (ValueFormat(",", "."), "1.23.4", None),
    (ValueFormat(".", ","), "1,234.50", 1234.5),
    (ValueFormat(".", ","), "1,23,456.5", 123456.5),
    (ValueFormat(".", ","), "12,34", None),
    (ValueFormat(",", " "), "1\u202f234,5", 1234.5),
    (ValueFormat(",", " "), "1\u00a0234", 1234),
    (ValueFormat(".", "'"), "1\u2019234.50", 1234.5),
    (ValueFormat(affixes=("$",)), "-$5.25", -5.25),
    (ValueFormat(affixes=("\u20ac", "EUR")), "5 EUR", 5),
    (ValueFormat(affixes=("%",)), "62.4 %", 62.4),
    (ValueFormat(), "(34.97)", -34.97),
    (ValueFormat(affixes=("$",)), "($34.97)", -34.97),
    (ValueFormat(), "34.97-", -34.97),
    (ValueFormat(), "\u221234", -34),
    (ValueFormat(), "- 34", -34),
    (ValueFormat(), "1 234", None),
    (ValueFormat(), "1e3", 1000),
    (ValueFormat(), "inf", None),
    (ValueFormat(), "about 5", None),
]
DATES = [
    ("%d/%m/%Y", "03/11/2018", date(2018, 11, 3)),
    ("%m/%d/%Y", "3/11/2018 07:30", date(2018, 3, 11)),
    ("%Y-%m-%d", "2018-11-03T10:00:00Z", date(2018, 11, 3)),
    ("%d.%m.%y", "03.11.18", date(2018, 11, 3)),
    ("epoch_seconds", "1541203200", date(2018, 11, 3)),
    ("epoch_milliseconds", "1541203200000", date(2018, 11, 3)),
    ("%d/%m/%Y", "31/02/2018", None),
    ("%d/%m/%Y", "soon", None),
]


def _in_sql(expression: str, value: str) -> object:
    row = duckdb.execute(f"select {expression} from (select ?::varchar as x)", [value]).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(("form", "text", "expected"), NUMBERS)
def test_numbers_are_read_alike_in_sql_and_python(
    form: ValueFormat, text: str, expected: float | None
) -> None:
    """A text that the format does not describe is no number, never another one."""
    assert _in_sql(formatted.number("x", form), text) == expected
    if expected is None:
        with pytest.raises(ValueError):
            read_number(text, form)
    else:
        assert read_number(text, form) == expected


@pytest.mark.parametrize(("pattern", "text", "expected"), DATES)
def test_days_are_read_alike_in_sql_and_python(
    pattern: str, text: str, expected: date | None
) -> None:
    """The time of day is left away; a day that does not exist is none."""
    form = ValueFormat(date=pattern)
    assert _in_sql(formatted.day("x", form), text) == expected
    if expected is None:
        with pytest.raises(ValueError):
            read_date(text, form)
    else:
        assert read_date(text, form) == expected


@pytest.mark.parametrize(
    ("text", "missing"),
    [("\\N", True), (" N/K ", True), ("", True), ("\u00a0", True), ("5", False)],
)
def test_words_for_missing_are_those_of_the_column(text: str, missing: bool) -> None:
    """Blanks, and the words of the format in any case, are missing."""
    form = ValueFormat(missing=("\\n", "n/k"))
    assert (_in_sql(formatted.without_missing("x", form), text) is None) is missing
    assert is_missing(text, form) is missing
