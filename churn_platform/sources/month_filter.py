"""The condition by which one month is read: on the source's own column, in the source's own type,
so that the source itself can carry it out.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from churn_platform.errors import MappingError
from churn_platform.months import as_of, label, month_bounds
from churn_platform.published.value_format import EPOCH
from churn_platform.sql import identifier, literal

INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UINTEGER", "UBIGINT")
# In such patterns text is ordered as the times are, so text can be compared.
ORDERED = re.compile(r"%Y(-?%m(-?%d([ T]%H(:?%M(:?%S)?)?)?)?)?")
HOUR = re.compile("%[HIcX]")  # patterns that tell the time of day
ISO = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Period:
    """A column of the source that tells when a row was: its type there, how it is written, and the
    zone of what it says.
    """

    column: str
    sql_type: str
    formats: tuple[str, ...] = ()
    timezone: str = "UTC"


def month_condition(period: Period, month: date, timezone: str) -> str:
    """SQL for whether a row is of the month, which is one of the zone `timezone`."""
    first, end = month_bounds(month, timezone)
    column = identifier(period.column)
    kind = period.sql_type
    if kind == "TIMESTAMP WITH TIME ZONE":
        return _between(
            column,
            f"timestamptz '{first:{ISO}}+00'",
            f"timestamptz '{end:{ISO}}+00'",
        )
    if kind.startswith("TIMESTAMP"):
        return _between(
            column,
            _timestamp(_local(first, period)),
            _timestamp(_local(end, period)),
        )
    if kind == "DATE":
        # A day has no zone: it is the operator's own.
        return _between(column, f"date '{month}'", f"date '{as_of(month)}'")

    form = period.formats[0] if period.formats else ""
    if form in EPOCH:
        # A cast would keep a database from using its index; text cannot do without.
        number = column if kind in INTEGERS else f"try_cast({column} as bigint)"
        return _between(number, _epoch(first, form), _epoch(end, form))
    if kind in INTEGERS:
        return _between(
            column,
            _number(month, form, period),
            _number(as_of(month), form, period),
        )
    return _of_text(period, month, first, end)


def _of_text(period: Period, month: date, first: datetime, end: datetime) -> str:
    column = identifier(period.column)
    form = period.formats[0] if period.formats else ISO
    begin = _local(first, period)
    stop = _local(end, period)
    # A day has no zone: where the time of day is not told, it is the operator's own.
    if not HOUR.search(form):
        begin = _midnight(month)
        stop = _midnight(as_of(month))

    if len(period.formats) <= 1 and ORDERED.fullmatch(form):
        low = f"{begin:{form}}"
        high = f"{stop:{form}}"
        # A day alone sorts before every time of that day, and a `T` after a blank.
        if not period.formats:
            low = low.removesuffix(" 00:00:00")
            high = high.removesuffix(" 00:00:00")
        return _between(column, literal(low), literal(high))

    # Not ordered as text: the source cannot carry it out, and every row is read.
    patterns = ", ".join(map(literal, period.formats))
    parsed = f"try_strptime({column}, [{patterns}])"
    return _between(parsed, _timestamp(begin), _timestamp(stop))


def _local(at: datetime, period: Period) -> datetime:
    """The instant as the source writes it, without a zone."""
    zone = ZoneInfo(period.timezone)
    return at.astimezone(zone).replace(tzinfo=None)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)


def _timestamp(at: datetime) -> str:
    return f"timestamp '{at:{ISO}}'"


def _epoch(at: datetime, form: str) -> str:
    number = at.timestamp() * EPOCH[form]
    return str(int(number))


def _number(day: date, form: str, period: Period) -> str:
    # Without a pattern 202605 could be a month, or a second of 1970.
    text = f"{day:{form}}" if form else ""
    if not text.isdigit():
        raise MappingError(
            f"column {period.column} is of type {period.sql_type} and does not say how it tells a "
            f"month such as {label(day)}; give format: epoch_seconds, epoch_milliseconds, or a "
            "pattern such as '%Y%m'",
            "period",
        )
    return text


def _between(value: str, first: str, end: str) -> str:
    # Without the end: the first instant of a month belongs to that one alone.
    return f"{value} >= {first} and {value} < {end}"
