"""How alike a column of a source and one of the contract are: by name, type and values, 0 to 1."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from typing import Any

from rapidfuzz import fuzz

from churn_platform.connect.looking import SourceColumn, SourceTable
from churn_platform.connect.vocabulary import COLUMNS, LEVELS, TABLES, TIME_PATTERNS, UNITS
from churn_platform.ingest.headers import normalised
from churn_platform.onboarding.words import NO, YES, plain
from churn_platform.portfolios.spec import Column, Table
from churn_platform.portfolios.units import factor_of

# Values alone seldom tell a column: many are numbers or dates.
NAME_SHARE = 0.6
ENOUGH_READ = 0.95  # of the values, where a few may be dirty
LIKE = 0.8
ISO_TYPES = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
# The years 1985 to 2065: a day such as 20260531, or a short id, is outside of them.
EPOCHS = {"epoch_seconds": (5e8, 3e9), "epoch_milliseconds": (5e11, 3e12)}


READ_AS_BOOLEAN = ("0", "1", "true", "false", "yes", "no")  # by ingest, without a mapping


@dataclass(frozen=True)
class Fit:
    """A pair of columns: how sure it is, and what the mapping has to do besides renaming."""

    confidence: float
    options: Mapping[str, Any] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    unread: float = 0.0
    """Share of the sample's values that cannot be read so."""


@cache
def name_likeness(name: str, about: str) -> float:
    """How alike a name and the best of some words are."""
    here = _bare(normalised(name))
    best = 0.0
    for word in about.split():
        # Sorted words for `date_end`, joined ones for `enddate`: systems write a name either way.
        same = fuzz.token_sort_ratio(
            here.replace("_", " "),
            word.replace("_", " "),
        )
        joined = fuzz.ratio(
            here.replace("_", ""),
            word.replace("_", ""),
        )
        best = max(best, same, joined)
    return best / 100


def table_likeness(source: SourceTable, table: Table) -> float:
    """How alike the names of two tables are."""
    words = f"{table.name} {TABLES.get(table.name, '')}"
    name = source.name.lower()
    # Without its plural, too: the words are in the singular.
    return max(name_likeness(name, words), name_likeness(name.rstrip("s"), words))


def column_fit(source: SourceColumn, column: Column, *, is_key: bool) -> Fit | None:
    """The fit of a pair; None if the values can be none of the contract's."""
    values = _values_fit(source, column, is_key=is_key)
    if values is None:
        return None
    others = COLUMNS.get(column.name, "")
    words = f"{_bare(column.name)} {column.name} {others}"
    by_name = name_likeness(source.name, words)
    confidence = NAME_SHARE * by_name + (1 - NAME_SHARE) * values.confidence
    return Fit(
        round(confidence, 3),
        values.options,
        values.unknown,
        values.unread,
    )


def _bare(name: str) -> str:
    """The name without the unit at its end."""
    head, _, tail = name.rpartition("_")
    return head if head and tail in (*UNITS, "s") else name


def _values_fit(source: SourceColumn, column: Column, *, is_key: bool) -> Fit | None:
    # An empty column neither fits nor contradicts; its name has to say it.
    if not source.values:
        return Fit(0.3)
    if column.type in ("timestamp", "date"):
        return _time_fit(source, column)
    if column.type == "boolean":
        return _boolean_fit(source)

    if column.type in ("number", "integer"):
        return _number_fit(source, column)
    if column.levels:
        return _level_fit(source, column)
    if column.hashed:
        return Fit(_share(source.texts, _is_phone))
    # A time is never meant as a free text.
    if source.sql_type in ISO_TYPES:
        return None
    # A key that repeats would be refused by ingest.
    if is_key:
        return Fit(1.0 if source.is_unique else 0.1)
    return Fit(0.7 if source.sql_type == "VARCHAR" else 0.5)


# The digits of a time that is written without separators.
COMPACT_LENGTHS = {"%Y%m%d%H%M%S": 14, "%Y%m%d": 8}


def _time_fit(source: SourceColumn, column: Column) -> Fit | None:
    wants_day = column.type == "date"
    texts = source.texts
    read = 1.0 if source.sql_type in ISO_TYPES else _share(texts, _is_iso)
    if read >= ENOUGH_READ:
        is_day = source.sql_type == "DATE" or {len(text) for text in texts} == {10}
        return Fit(0.9 if is_day == wants_day else 0.6, unread=1 - read)

    for pattern in TIME_PATTERNS:
        reads = partial(_reads, pattern=pattern)
        read = _share(texts, reads)
        if read < ENOUGH_READ:
            continue
        is_day = "%H" not in pattern
        confidence = 0.8 if is_day == wants_day else 0.5
        return Fit(confidence, {"format": pattern}, unread=1 - read)

    for form, (low, high) in EPOCHS.items():
        # All of them: one number outside the range, and these are numbers of something else.
        within = partial(_within, low=low, high=high)
        if _share(texts, within) == 1:
            confidence = 0.4 if wants_day else 0.8
            return Fit(confidence, {"format": form})
    return None


def _boolean_fit(source: SourceColumn) -> Fit | None:
    if source.sql_type == "BOOLEAN":
        return Fit(1.0)
    if not source.levels or len(source.levels) > 2:
        return None
    levels = {}
    understood = True
    for text in source.levels:
        word = plain(text)
        if word not in YES and word not in NO:
            return Fit(0.2, unknown=tuple(source.levels))
        levels[text] = "true" if word in YES else "false"
        if text.lower() not in READ_AS_BOOLEAN:
            understood = False
    # A mapping that ingest does not need would be one more thing for a person to read.
    if understood:
        return Fit(0.9)
    return Fit(0.9, {"levels": levels})


def _number_fit(source: SourceColumn, column: Column) -> Fit | None:
    if source.sql_type in (*ISO_TYPES, "BOOLEAN"):
        return None
    options: dict[str, Any] = {}
    read = _share(source.texts, _is_number)
    if read < ENOUGH_READ:
        pointed = list(map(_pointed, source.texts))
        read = _share(pointed, _is_number)
        if read < ENOUGH_READ:
            return None
        options["decimal"] = ","

    unit = _unit_of(source.name)
    factor = factor_of(column.name, unit) if unit else None
    # The contract's own unit needs no word in the spec.
    if factor is not None and factor != 1:
        options["unit"] = unit
    # Of hours a fraction may be a whole number of seconds; without a unit it is no integer.
    is_integer = column.type == "integer" and "unit" not in options
    if is_integer and any(map(_has_fraction, source.texts)):
        return Fit(0.2, options)
    return Fit(0.8, options, unread=1 - read)


def _unit_of(name: str) -> str | None:
    """The unit that a name ends with, or is."""
    words = normalised(name)
    last = words.rpartition("_")[2]
    return UNITS.get(last) or UNITS.get(words)


def _has_fraction(text: str) -> bool:
    # A database gives a whole number of its type `real` as 3.0.
    return "." in text.rstrip("0").rstrip(".")


def _level_fit(source: SourceColumn, column: Column) -> Fit | None:
    if not source.levels:
        return None
    found, unknown = level_mapping(source.levels, column.levels)
    share = len(found) / len(source.levels)
    options = {}
    if list(found) != list(found.values()):
        options["levels"] = found
    return Fit(
        0.2 + 0.8 * share,
        options,
        tuple(unknown),
    )


def level_mapping(given: list[str], levels: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """Each value of a source with the contract's level that it stands for, and those that stand for
    none that is known.
    """
    found = {}
    unknown = []
    for text in given:
        level = _level_of(text, levels)
        if level is None:
            unknown.append(text)
        else:
            found[text] = level
    return found, unknown


def _level_of(text: str, levels: tuple[str, ...]) -> str | None:
    word = normalised(text)
    scored = []
    for level in levels:
        others = LEVELS.get(level, "")
        if word in (normalised(level), *others.split()):
            return level
        likeness = name_likeness(word, f"{level} {others}")
        scored.append((likeness, level))

    best, level = max(scored)
    # Of longer words a likeness says enough; of a letter or two it would be chance.
    is_long = len(word) >= 4
    return level if is_long and best >= LIKE else None


def _share(texts: list[str], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, texts)) / len(texts)


def _is_number(text: str) -> bool:
    try:
        number = float(text)
    except ValueError:
        return False
    # NaN alone is not equal to itself: an export's word for missing, no number.
    return number == number


def _pointed(text: str) -> str:
    return text.replace(".", "").replace(",", ".")


def _is_iso(text: str) -> bool:
    # `fromisoformat` reads 20260531, too, for which the spec has to give a pattern.
    if len(text) < 10 or text.isdigit():
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _reads(text: str, pattern: str) -> bool:
    # strptime takes a month or an hour of one digit, so that it reads seconds since 1970 as a day
    # of the year 1777. Without separators only the full length tells the parts.
    if text.isdigit() and len(text) != COMPACT_LENGTHS.get(pattern):
        return False
    try:
        return bool(datetime.strptime(text, pattern))
    except ValueError:
        return False


def _within(text: str, low: float, high: float) -> bool:
    return text.isdigit() and low <= float(text) <= high


def _is_phone(text: str) -> bool:
    digits = text.lstrip("+").replace(" ", "").replace("-", "").replace("/", "")
    return digits.isdigit() and 7 <= len(digits) <= 15
