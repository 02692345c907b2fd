"""Months as the graph counts them: the first day of a calendar month."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

# Years whose changes of a clock are known by heart; of others the database of zones is asked.
OFFSETS_FROM, OFFSETS_UNTIL = 2015, 2050


def shift(month: date, months: int) -> date:
    """The month that is `months` after `month` (before, where negative)."""
    index = month.year * 12 + month.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def as_of(month: date) -> date:
    """The first instant after `month`: nothing from then on is known to it."""
    return shift(month, 1)


def month_bounds(month: date, timezone: str) -> tuple[datetime, datetime]:
    """The instants, in UTC, at which a month begins and ends in a zone."""
    zone = ZoneInfo(timezone)
    first, end = (datetime(day.year, day.month, 1, tzinfo=zone) for day in (month, as_of(month)))
    return first.astimezone(UTC), end.astimezone(UTC)


def month_range(first: date, last: date) -> list[date]:
    """Every month from `first` to `last`, both included."""
    return [shift(first, offset) for offset in range(months_between(first, last) + 1)]


def months_between(first: date, last: date) -> int:
    """How many months `last` is after `first`."""
    return (last.year - first.year) * 12 + last.month - first.month


def months_covering(days: int) -> int:
    """The fewest months that are `days` long wherever in the calendar they begin: 2 for 30, for a
    February has 28.
    """
    count = 1
    while _shortest(count) < days:
        count += 1
    return count


def _shortest(count: int) -> int:
    # No year is shorter than one without a leap day, and every run of months begins in one of 12.
    year = month_range(date(2025, 1, 1), date(2025, 12, 1))
    return min((shift(first, count) - first).days for first in year)


def last_complete_month(today: date) -> date:
    """The newest month that has ended by `today`."""
    return shift(today.replace(day=1), -1)


def zone_offsets(timezone: str) -> list[tuple[datetime, int]]:
    """The instants, in UTC, at which a zone's clock is set so many seconds ahead of UTC, oldest
    first; the first one is the begin of OFFSETS_FROM.
    """
    zone = ZoneInfo(timezone)

    def offset(at: datetime) -> int:
        return int((at.astimezone(zone).utcoffset() or timedelta()).total_seconds())

    day = datetime(OFFSETS_FROM, 1, 1, tzinfo=UTC)
    found = [(day, offset(day))]
    while day.year < OFFSETS_UNTIL:
        before, day = day, day + timedelta(days=1)
        after = day
        if offset(before) == offset(after):
            continue
        # Clocks are changed at a full minute.
        while after - before > timedelta(minutes=1):
            middle = before + (after - before) // 2
            middle = middle.replace(second=0, microsecond=0)
            if middle == before:
                break
            if offset(middle) == offset(before):
                before = middle
            else:
                after = middle
        found.append((after, offset(after)))
    return found


def today_in(timezone: str, now: datetime) -> date:
    """The day that it is in a zone, at an instant."""
    return now.astimezone(ZoneInfo(timezone)).date()


def parse_month(text: str) -> date:
    """The month in 'YYYY-MM' or 'YYYY-MM-01'; ValueError for anything else."""
    # Stricter than `date.fromisoformat`, which also takes week dates and digits of other scripts.
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])(-01)?", text, re.ASCII):
        raise ValueError(f"{text!r} is not a month; write YYYY-MM")
    return date.fromisoformat(f"{text[:7]}-01")


def label(month: date) -> str:
    """The month as file names and messages write it: 'YYYY-MM'."""
    return f"{month:%Y-%m}"
