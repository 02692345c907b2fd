"""Numbers, days and missing values as a column writes them."""

from datetime import date

import pytest

from churn_platform.published.value_format import ValueFormat, is_missing, read_date, read_number

EURO = ValueFormat(decimal=",", thousands=".", affixes=("EUR", "€"))


@pytest.mark.parametrize(
    ("text", "form", "number"),
    [
        ("1.234,5", EURO, 1234.5),
        ("€ 12", EURO, 12.0),
        ("12 EUR", EURO, 12.0),
        ("1,23,456", ValueFormat(thousands=","), 123456.0),
        ("1\u202f000", ValueFormat(thousands=" "), 1000.0),
        ("1\u2019000", ValueFormat(thousands="'"), 1000.0),
        ("(12)", ValueFormat(), -12.0),
        ("12-", ValueFormat(), -12.0),
        ("\u22123", ValueFormat(), -3.0),
        ("- 3", ValueFormat(), -3.0),
        ("1e3", ValueFormat(), 1000.0),
        (".5", ValueFormat(), 0.5),
    ],
)
def test_a_number_is_read_as_it_is_written(text, form, number):
    """With its signs between groups, its currency, and a minus of any kind."""
    assert read_number(text, form) == number


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("1.23,5", EURO),
        ("1,234", ValueFormat()),
        ("twelve", ValueFormat()),
        ("", ValueFormat()),
        ("1e999", ValueFormat()),
        ("inf", ValueFormat()),
    ],
)
def test_what_is_no_number_of_the_format_is_refused(text, form):
    """A group of two digits at the end, another sign, words, and what has no finite value."""
    with pytest.raises(ValueError, match=r".*"):
        read_number(text, form)


def test_blanks_and_the_columns_own_words_are_missing():
    """In any case; a word of another column is a value."""
    form = ValueFormat(missing=("n/a",))
    assert [is_missing(text, form) for text in ("", " \u00a0", "N/A", "none")] == [
        *(True, True, True, False),
    ]


def test_a_day_is_read_by_its_pattern():
    """What follows the day does not count, and seconds since 1970 are UTC."""
    assert read_date("31.01.2025 23:59:59", ValueFormat(date="%d.%m.%Y")) == date(2025, 1, 31)
    assert read_date("86400", ValueFormat(date="epoch_seconds")) == date(1970, 1, 2)
    assert read_date("86399999", ValueFormat(date="epoch_milliseconds")) == date(1970, 1, 1)
    with pytest.raises(ValueError, match="31/01/2025"):
        read_date("31/01/2025", ValueFormat(date="%d.%m.%Y"))
