"""Finds the format of each column that is not written plainly: numbers, days, and words for missing
values.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import duckdb

from churn_platform.errors import SpecError
from churn_platform.ingest import formatted
from churn_platform.ingest.casting import NATIVE, present
from churn_platform.onboarding import words
from churn_platform.onboarding.inspection import Profile
from churn_platform.onboarding.label import Command
from churn_platform.onboarding.number_format import Reading, read_shapes, settled
from churn_platform.published.value_format import (
    EPOCH,
    INFINITE,
    MISSING_MARKERS,
    ValueFormat,
    read_date,
)
from churn_platform.sql import literal

MAX_SHAPES = 2_000
LOOKED_AT = 500
DAYS_TRIED = 20
DAY_FIRST = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d/%m/%y", "%d-%m-%y", "%d.%m.%y")
MONTH_FIRST = tuple(
    pattern.replace("%d", "%x").replace("%m", "%d").replace("%x", "%m") for pattern in DAY_FIRST
)
PATTERNS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y-%m", "%Y/%m", *DAY_FIRST, *MONTH_FIRST),
    *("%d-%b-%Y", "%d %b %Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y"),
)
TOO_LARGE = re.compile(r"[+-]?[0-9.]+[eE]\+?([4-9][0-9]{2}|[0-9]{4,})")
NEGATIVE = re.compile(r"^\s*\(.*\)\s*$|-\s*$")
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?")
OF_TIME = re.compile(
    r"(^|_)(date|time|timestamp|ts|at|on|since|joined|created|signup|registered|datum|fecha|data)(_|$)"
)


@dataclass(frozen=True)
class Hints:
    """What the user said of numbers and days, and the file's separator."""

    decimal: str | None = None
    thousands: str | None = None
    date_order: str | None = None
    separator: str | None = None


def understood(
    connection: duckdb.DuckDBPyConnection,
    reader: str,
    profiles: Mapping[str, Profile],
    hints: Hints,
    command: Command,
) -> tuple[list[Profile], list[str]]:
    """The profiles, those with a format measured by it, and what was converted; SpecError if the
    user must say.
    """
    shapes = {
        name: _shapes(connection, reader, profile)
        for name, profile in profiles.items()
        if _is_odd(profile)
    }
    missing = {name: _missing(found) for name, found in shapes.items()}
    readings = {
        name: read_shapes(
            {text: count for text, count in found.items() if text not in missing[name]}
        )
        for name, found in shapes.items()
        if found and len(found) > len(missing[name])
    }
    proven = {reading.proves for reading in readings.values() if reading and reading.proves}
    if any(
        profile.kind == "number" and not profile.is_open_number
        for profile in profiles.values()
        if profile.is_text
    ):
        # A column with an unambiguous decimal point settles those that leave it open: one export
        # writes alike.
        proven.add(".")
    made, findings, order = [], [], _Order(hints.date_order)
    for name, profile in profiles.items():
        form = _form(
            connection,
            reader,
            profile,
            readings.get(name),
            missing.get(name, ()),
            proven,
            hints,
            command,
            order,
        )
        changed = _measured(connection, reader, profile, form) if form else profile
        made.append(changed)
        said = _said(profile, changed.form, shapes.get(name, {}))
        if said:
            findings.append(f"column {profile.header!r}: {said}")
    return made, findings


class _Order:
    """The order of day and month that a column of the file has shown, which holds for those that
    leave it open.
    """

    def __init__(self, given: str | None):
        self.known = given


def _is_odd(profile: Profile) -> bool:
    if not profile.is_text or profile.kind in ("empty", "boolean"):
        return False
    return profile.kind in ("text", "date") or profile.is_open_number


def _shapes(connection: duckdb.DuckDBPyConnection, reader: str, profile: Profile) -> dict[str, int]:
    """One example of each shape (digits alike), with its rows; empty for columns of words."""
    text = present(profile.identifier, profile.sql_type, "number")
    some = connection.execute(
        f"select distinct {text} as x from (from {reader} limit {LOOKED_AT})"
    ).fetchall()
    known = [value for (value,) in some if value is not None]
    if not any(re.search(r"[0-9]", value) for value in known):
        return {}
    # All digits become 9: a million amounts have a few shapes, and one example of each says enough.
    shape = "translate(x, '12345678', '99999999')"
    query = (
        f"select any_value(x), count(*) from (select {text} as x from {reader}) "
        "where x is not null "
        f"group by {shape} order by 2 desc limit {MAX_SHAPES + 1}"
    )
    found = dict(connection.execute(query).fetchall())
    return found if len(found) <= MAX_SHAPES else {}


def _missing(shapes: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(text for text in shapes if _is_missing(text))


def _is_missing(text: str) -> bool:
    return (
        bool(TOO_LARGE.fullmatch(text.strip()))
        or text.strip().lower() in words.MISSING | INFINITE
        or words.plain(text) in words.MISSING
    )


def _form(
    connection: duckdb.DuckDBPyConnection,
    reader: str,
    profile: Profile,
    reading: Reading | None,
    missing: tuple[str, ...],
    proven: set[str],
    hints: Hints,
    command: Command,
    order: _Order,
) -> ValueFormat | None:
    said = tuple(sorted({word.strip().lower() for word in missing} - set(MISSING_MARKERS)))
    if profile.sql_type in NATIVE["number"] and profile.kind == "unusable":
        return ValueFormat(missing=("-inf", "inf"))
    if day := _days(connection, reader, profile, said, command, order):
        return day
    if reading is None or profile.has_codes:
        return None
    form = _given(reading, hints) or settled(reading, proven, hints.separator)
    if form is None:
        sign = reading.open_sign
        other = "," if sign == "." else "."
        raise SpecError(
            f"column {profile.header!r}: the values do not say whether {sign!r} is before "
            "decimals or between "
            f"thousands. If between thousands: {command(decimal=other, thousands=sign)}; "
            f"if before decimals: {command(decimal=sign)}"
        )
    form = ValueFormat(form.decimal, form.thousands, form.affixes, None, said)
    return None if form == ValueFormat() and profile.kind != "text" else form


def _given(reading: Reading, hints: Hints) -> ValueFormat | None:
    if reading.open_sign and hints.decimal == reading.open_sign:
        return reading.form
    if reading.open_sign and reading.open_sign == hints.thousands:
        return ValueFormat(
            "," if hints.thousands == "." else ".", hints.thousands, reading.form.affixes
        )
    return None


def _days(
    connection: duckdb.DuckDBPyConnection,
    reader: str,
    profile: Profile,
    missing: tuple[str, ...],
    command: Command,
    order: _Order,
) -> ValueFormat | None:
    if profile.sql_type.startswith(("DATE", "TIMESTAMP")):
        return ValueFormat(date="%Y-%m-%d")
    if (
        profile.kind == "integer"
        and OF_TIME.search(profile.name)
        and profile.low is not None
        and profile.high
    ):
        # From 1973 to 2128: smaller numbers under such a name are ages or counts.
        in_seconds, in_milliseconds = (
            profile.low > 1e8 and profile.high < 5e9,
            profile.low > 1e11 and profile.high < 5e12,
        )
        if in_seconds or in_milliseconds:
            return ValueFormat(
                date="epoch_seconds" if in_seconds else "epoch_milliseconds", missing=missing
            )
    if profile.kind not in ("date", "text") or not profile.is_text:
        return None
    fitting = _fitting(connection, reader, profile, missing)
    days, months = [p for p in fitting if p in DAY_FIRST], [p for p in fitting if p in MONTH_FIRST]
    # Dates with points are day first in all countries that use them; others are asked for, never
    # guessed.
    if days and months and "." not in days[0]:
        if order.known is None:
            raise SpecError(
                f"column {profile.header!r}: the values do not say whether the day "
                "or the month is first. "
                f"If the day: {command(date_order='day-first')}; if the month: "
                f"{command(date_order='month-first')}"
            )
        return ValueFormat(
            date=(days if order.known == "day-first" else months)[0], missing=missing
        )
    if days or months:
        order.known = order.known or ("day-first" if days else "month-first")
    return ValueFormat(date=fitting[0], missing=missing) if fitting else None


def _fitting(
    connection: duckdb.DuckDBPyConnection, reader: str, profile: Profile, missing: tuple[str, ...]
) -> list[str]:
    """The patterns in which every value is a day."""
    form = ValueFormat(missing=missing)
    text = present(profile.identifier, profile.sql_type, "date", form)
    some = connection.execute(
        f"select distinct x from (select {text} as x from {reader}) where x is not null "
        f"limit {DAYS_TRIED}"
    ).fetchall()
    # Some values rule most patterns out: trying all of them on every row takes most of the time.
    patterns = [pattern for pattern in PATTERNS if some and _all_days(some, pattern)]
    if not patterns:
        return []
    counts = ", ".join(
        f"count_if({formatted.day('x', ValueFormat(date=pattern))} "
        "between date '1900-01-01' and date '2199-12-31')"
        for pattern in patterns
    )
    found = connection.execute(
        f"select count(x), {counts} from (select {text} as x from {reader})"
    ).fetchone()
    assert found is not None
    return [
        pattern for pattern, count in zip(patterns, found[1:], strict=True) if count == found[0]
    ]


def _all_days(values: list[tuple[str]], pattern: str) -> bool:
    form = ValueFormat(date=pattern)
    try:
        for (value,) in values:
            read_date(value, form)
    except ValueError:
        return False
    return True


def _measured(
    connection: duckdb.DuckDBPyConnection, reader: str, profile: Profile, form: ValueFormat
) -> Profile:
    """The profile by the format; as it was where not every value can be read so."""
    changed = replace(profile, form=form, kind="days" if form.date else "number")
    value = changed.number_sql()
    given = present(profile.identifier, profile.sql_type, "date" if form.date else "number", form)
    query = (
        "select count(given), count(value), count(distinct value), min(value), max(value), "
        f"coalesce(bool_and({_is_whole(profile, form)}), false) "
        f"from (select {given} as given, {value} as value from {reader})"
    )
    found = connection.execute(query).fetchone()
    assert found is not None
    count, numbers, distinct, low, high, whole = found
    # A format must read every value: a column that is partly read would lose the rest.
    if count != numbers or not count:
        return profile
    if whole and profile.is_text and not form.date:
        changed = replace(changed, kind="integer")
    return replace(
        changed, present=count, numbers=count, distinct=distinct, low=low, high=high, levels=None
    )


def _is_whole(profile: Profile, form: ValueFormat) -> str:
    """SQL for whether a value is a whole number, written without decimals: amounts such as 5.00 may
    be 5.50 in another month.
    """
    is_whole = "value = trunc(value)"
    if not profile.is_text:
        return is_whole
    return f"{is_whole} and not contains(given, {literal(form.decimal)})"


def _said(profile: Profile, form: ValueFormat | None, shapes: Mapping[str, int]) -> str:
    """What was made of the column's values, in words; empty for one that is written plainly."""
    if form is None:
        return "; ".join(_on_missing(profile, ValueFormat(), shapes))
    parts = []
    if form.date:
        unit = f"written as {form.date}" if form.date not in EPOCH else form.date.replace("_", " ")
        parts.append(f"days, {unit}, become days before the month's end")
    if (
        form.thousands
        or form.decimal != "."
        or form.affixes
        or (not form.date and not form.missing)
    ):
        example = _example(form, shapes)
        signs = f"decimals after {form.decimal!r}" + (
            f", thousands with {form.thousands!r}" if form.thousands else ""
        )
        around = f", without {', '.join(form.affixes)}" if form.affixes else ""
        parts.append(f"numbers such as {example!r} are read with {signs}{around}")
        if any(NEGATIVE.search(text) for text in shapes):
            parts.append("those in brackets or with a minus behind are negative")
    parts += _on_missing(profile, form, shapes)
    return "; ".join(parts) + "; correct `format:` in the spec if that is wrong"


def _example(form: ValueFormat, shapes: Mapping[str, int]) -> str:
    """The most frequent text that shows how the column differs from plain numbers."""
    numbers = [text for text in shapes if not _is_missing(text) and not text.isdigit()]
    for text in numbers:
        has_thousands = form.thousands != "" and form.thousands in text
        if has_thousands or not PLAIN_NUMBER.fullmatch(text):
            return text
    return numbers[0] if numbers else ""


def _on_missing(profile: Profile, form: ValueFormat, shapes: Mapping[str, int]) -> list[str]:
    """The words that count as missing, with the number of values that have one."""
    usual = () if profile.kind == "text" and form == ValueFormat() else profile.missing_words
    words_said = sorted({*form.missing, *usual})
    if not words_said:
        return []
    of_format = [count for text, count in shapes.items() if text.strip().lower() in form.missing]
    rows = sum(of_format) + (profile.marked if usual else 0)
    counted = f"{rows:,} values with " if rows else ""
    return [f"{counted}{', '.join(map(repr, words_said))} count as missing"]
