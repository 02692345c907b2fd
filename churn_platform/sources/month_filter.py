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
        return _between(column, f"timestamptz '{first:{ISO}}+00'", f"timestamptz '{end:{ISO}}+00'")
    if kind.startswith("TIMESTAMP"):
        return _between(column, *_timestamps(first, end, period.timezone))
    if kind == "DATE":
        # A day has no zone: it is the operator's own.
        return _between(column, f"date '{month}'", f"date '{as_of(month)}'")

    (form,) = period.formats[:1] or ("",)
    if form in EPOCH:
        number = column if kind in INTEGERS else f"try_cast({column} as bigint)"
        return _between(number, *(str(int(at.timestamp() * EPOCH[form])) for at in (first, end)))
    if kind in INTEGERS:
        return _between(column, *(_number(day, form, period) for day in (month, as_of(month))))
    return _of_text(period, month, first, end)


def _of_text(period: Period, month: date, first: datetime, end: datetime) -> str:
    column = identifier(period.column)
    form = period.formats[0] if period.formats else ISO
    # A day has no zone: where the time of day is not told, it is the operator's own.
    zone = ZoneInfo(period.timezone)
    local = [at.astimezone(zone).replace(tzinfo=None) for at in (first, end)]
    if not any(pattern in form for pattern in ("%H", "%I", "%c", "%X")):
        local = [datetime(day.year, day.month, day.day) for day in (month, as_of(month))]

    if len(period.formats) <= 1 and ORDERED.fullmatch(form):
        bounds = [f"{at:{form}}" for at in local]
        # A day alone sorts before every time of that day, and a `T` after a blank.
        if not period.formats:
            bounds = [text.removesuffix(" 00:00:00") for text in bounds]
        return _between(column, *map(literal, bounds))

    # Not ordered as text: the source cannot carry it out, and every row is read.
    parsed = f"try_strptime({column}, [{', '.join(map(literal, period.formats))}])"
    return _between(parsed, *(f"timestamp '{at:{ISO}}'" for at in local))


def _timestamps(first: datetime, end: datetime, timezone: str) -> tuple[str, str]:
    zone = ZoneInfo(timezone)
    begin, stop = (f"timestamp '{at.astimezone(zone):{ISO}}'" for at in (first, end))
    return begin, stop


def _number(day: date, form: str, period: Period) -> str:
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
    return f"{value} >= {first} and {value} < {end}"
