"""Finds the format of each column that is not written plainly: numbers, days, and words for missing
values.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from churn_platform.errors import SpecError
from churn_platform.ingest.casting import NATIVE
from churn_platform.onboarding.column_texts import (
    DAY_FIRST,
    MONTH_FIRST,
    Shapes,
    days_of,
    in_formats,
    is_missing,
    missing_words,
    shapes_of,
)
from churn_platform.onboarding.format_finding import format_finding
from churn_platform.onboarding.inspection import Profile
from churn_platform.onboarding.label import Command
from churn_platform.onboarding.number_format import Reading, read_shapes, settled
from churn_platform.published.value_format import ValueFormat

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
    odd = list(filter(_is_odd, profiles.values()))
    shapes = shapes_of(connection, reader, odd)
    days = days_of(connection, reader, odd, shapes)
    readings = {name: _reading(its) for name, its in shapes.items()}
    proven = _proven(profiles.values(), readings.values())
    choice = _Choice(hints, command, proven)

    forms = []
    for name, profile in profiles.items():
        missing = missing_words(shapes.get(name, {}))
        form = choice.form(profile, readings.get(name), missing, days.get(name, []))
        if form is not None:
            forms.append((profile, form))

    made = dict(profiles) | in_formats(connection, reader, forms)
    findings = []
    for name, profile in made.items():
        said = format_finding(profiles[name], profile.form, shapes.get(name, {}))
        if said:
            findings.append(f"column {profile.header!r}: {said}")

    return list(made.values()), findings


def _is_odd(profile: Profile) -> bool:
    if not profile.is_text or profile.kind in ("empty", "boolean"):
        return False
    return profile.kind in ("text", "date") or profile.is_open_number


def _reading(shapes: Shapes) -> Reading | None:
    """How the texts that are not missing are read as numbers; None if they are none."""
    numbers = {}
    for text, count in shapes.items():
        if not is_missing(text):
            numbers[text] = count
    return read_shapes(numbers) if numbers else None


def _proven(profiles: Iterable[Profile], readings: Iterable[Reading | None]) -> set[str]:
    """The signs that some column has before its decimals beyond doubt.

    They settle the columns that leave it open: one export writes alike.
    """
    proven = set()
    for reading in readings:
        if reading and reading.proves:
            proven.add(reading.proves)

    for profile in profiles:
        is_plain_number = profile.kind == "number" and not profile.is_open_number
        if profile.is_text and is_plain_number:
            proven.add(".")

    return proven


class _Choice:
    """Chooses the format of one column after the other.

    `order` is that of day and month which a column of the file has shown. It holds for those after
    it that leave it open.
    """

    def __init__(self, hints: Hints, command: Command, proven: set[str]):
        self.hints = hints
        self.command = command
        self.proven = proven
        self.order = hints.date_order

    def form(
        self,
        profile: Profile,
        reading: Reading | None,
        missing: tuple[str, ...],
        days: Sequence[str],
    ) -> ValueFormat | None:
        """The format; None for a column that is written plainly, or is no number and no day."""
        if profile.sql_type in NATIVE["number"] and profile.kind == "unusable":
            return ValueFormat(missing=("-inf", "inf"))

        pattern = _typed_days(profile) or self._days(profile, days)
        if pattern and _has_words(profile):
            return ValueFormat(date=pattern, missing=missing)
        if pattern:
            return ValueFormat(date=pattern)
        if reading is None or profile.has_codes:
            return None

        form = _given(reading, self.hints)
        form = form or settled(reading, self.proven, self.hints.separator)
        if form is None:
            raise self._is_open(profile, reading)

        form = ValueFormat(form.decimal, form.thousands, form.affixes, None, missing)
        is_plain = form == ValueFormat() and profile.kind != "text"
        return None if is_plain else form

    def _days(self, profile: Profile, fitting: Sequence[str]) -> str | None:
        days = [pattern for pattern in fitting if pattern in DAY_FIRST]
        months = [pattern for pattern in fitting if pattern in MONTH_FIRST]
        # Dates with points are day first in all countries that use them; others are asked for,
        # never guessed.
        if days and months and "." not in days[0]:
            if self.order is None:
                raise SpecError(
                    f"column {profile.header!r}: the values do not say whether the day "
                    "or the month is first. "
                    f"If the day: {self.command(date_order='day-first')}; if the month: "
                    f"{self.command(date_order='month-first')}"
                )
            in_order = days if self.order == "day-first" else months
            return in_order[0]

        if self.order is None and days:
            self.order = "day-first"

        if self.order is None and months:
            self.order = "month-first"

        return fitting[0] if fitting else None

    def _is_open(self, profile: Profile, reading: Reading) -> SpecError:
        sign = reading.open_sign
        other = "," if sign == "." else "."
        return SpecError(
            f"column {profile.header!r}: the values do not say whether {sign!r} is before "
            "decimals or between "
            f"thousands. If between thousands: {self.command(decimal=other, thousands=sign)}; "
            f"if before decimals: {self.command(decimal=sign)}"
        )


def _has_words(profile: Profile) -> bool:
    return not profile.sql_type.startswith(("DATE", "TIMESTAMP"))


def _typed_days(profile: Profile) -> str | None:
    """The pattern of a column that is a day by its type, or by its name and numbers."""
    if not _has_words(profile):
        return "%Y-%m-%d"

    low, high = profile.low, profile.high
    if profile.kind != "integer" or low is None or not high:
        return None
    if not OF_TIME.search(profile.name):
        return None
    # From 1973 to 2128: smaller numbers under such a name are ages or counts.
    if low > 1e8 and high < 5e9:
        return "epoch_seconds"
    if low > 1e11 and high < 5e12:
        return "epoch_milliseconds"

    return None


def _given(reading: Reading, hints: Hints) -> ValueFormat | None:
    sign = reading.open_sign
    if not sign:
        return None
    if hints.decimal == sign:
        return reading.form

    if hints.thousands == sign:
        decimal = "," if sign == "." else "."
        return ValueFormat(decimal, sign, reading.form.affixes)

    return None
