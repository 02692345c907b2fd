"""Months are counted without surprises."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_platform.months import (
    as_of,
    label,
    last_complete_month,
    month_bounds,
    month_range,
    parse_month,
    shift,
    zone_offsets,
)

MONTHS = st.dates(date(2000, 1, 1), date(2090, 1, 1)).map(lambda day: day.replace(day=1))


@given(MONTHS, st.integers(-200, 200))
def test_shifting_back_undoes_shifting(month, months):
    """A month moved there and back is the same, and always a first day."""
    assert shift(shift(month, months), -months) == month
    assert shift(month, months).day == 1


@given(MONTHS, st.integers(0, 40))
def test_a_range_holds_both_ends(month, count):
    """Months of a range follow each other, first and last included."""
    months = month_range(month, shift(month, count))
    assert (months[0], months[-1], len(months)) == (month, shift(month, count), count + 1)
    assert [as_of(earlier) for earlier in months[:-1]] == months[1:]


def test_the_turn_of_the_year():
    """December is followed by January."""
    assert as_of(date(2024, 12, 1)) == date(2025, 1, 1)
    assert shift(date(2025, 1, 1), -1) == date(2024, 12, 1)
    assert month_range(date(2025, 2, 1), date(2025, 1, 1)) == []


@pytest.mark.parametrize("today", [date(2025, 3, 1), date(2025, 3, 31)])
def test_a_month_is_complete_when_the_next_has_begun(today):
    """From the first of March on, February is the newest complete month."""
    assert last_complete_month(today) == date(2025, 2, 1)


@pytest.mark.parametrize("text", ["2025-02", "2025-02-01"])
def test_a_month_is_read_in_both_spellings(text):
    """With and without its first day."""
    assert parse_month(text) == date(2025, 2, 1)
    assert label(parse_month(text)) == "2025-02"


@pytest.mark.parametrize(
    "text", ["2025-02-02", "2025-13", "2025", "", "202502", "20250201", "2024-W01-1", "2025-2"]
)
def test_anything_else_is_no_month(text):
    """Another day, another calendar or another spelling is refused."""
    with pytest.raises(ValueError, match="is not a month; write YYYY-MM"):
        parse_month(text)


def test_a_month_of_a_zone_begins_and_ends_at_its_own_midnight():
    """Summer time is in force in Berlin at the end of March; Chicago is west of UTC."""
    berlin = month_bounds(date(2026, 3, 1), "Europe/Berlin")
    assert [f"{at:%m-%d %H:%M}" for at in berlin] == ["02-28 23:00", "03-31 22:00"]
    chicago = month_bounds(date(2026, 11, 1), "America/Chicago")
    assert [f"{at:%m-%d %H:%M}" for at in chicago] == ["11-01 05:00", "12-01 06:00"]


def test_a_zone_changes_its_clock_at_known_instants():
    """Berlin: summer time from 30 March to 26 October 2025, at 01:00 UTC; Kolkata never."""
    changes = [
        (f"{began:%Y-%m-%d %H:%M}", seconds)
        for began, seconds in zone_offsets("Europe/Berlin")
        if began.year == 2025
    ]
    assert changes == [("2025-03-30 01:00", 7200), ("2025-10-26 01:00", 3600)]
    assert [seconds for _, seconds in zone_offsets("Asia/Kolkata")] == [19800]
