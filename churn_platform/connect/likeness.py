"""How alike a column of a source and one of the contract are: by name, type and values, 0 to 1."""

from collections.abc import Mapping
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

NAME_SHARE = 0.6
ENOUGH_READ = 0.95  # of the values, where a few may be dirty
LIKE = 0.8
ISO_TYPES = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
EPOCHS = {"epoch_seconds": (5e8, 3e9), "epoch_milliseconds": (5e11, 3e12)}


@dataclass(frozen=True)
class Fit:
    """A pair of columns: how sure it is, and what the mapping has to do besides renaming."""

    confidence: float
    options: Mapping[str, Any] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


@cache
def name_likeness(name: str, about: str) -> float:
    """How alike a name and the best of some words are."""
    here = _bare(normalised(name))
    best = 0.0
    for word in about.split():
        same = fuzz.token_sort_ratio(here.replace("_", " "), word.replace("_", " "))
        joined = fuzz.ratio(here.replace("_", ""), word.replace("_", ""))
        best = max(best, same, joined)
    return best / 100


def table_likeness(source: SourceTable, table: Table) -> float:
    """How alike the names of two tables are."""
    words = f"{table.name} {TABLES.get(table.name, '')}"
    name = source.name.lower()
    return max(name_likeness(name, words), name_likeness(name.rstrip("s"), words))


def column_fit(source: SourceColumn, column: Column, *, is_key: bool) -> Fit | None:
    """The fit of a pair; None if the values can be none of the contract's."""
    words = f"{_bare(column.name)} {column.name} {COLUMNS.get(column.name, '')}"
    name = name_likeness(source.name, words)
    values = _values_fit(source, column, is_key=is_key)
    if values is None:
        return None
    confidence = NAME_SHARE * name + (1 - NAME_SHARE) * values.confidence
    return Fit(round(confidence, 3), values.options, values.unknown)


def _bare(name: str) -> str:
    """The name without the unit at its end."""
    head, _, tail = name.rpartition("_")
    return head if head and tail in (*UNITS, "s") else name


def _values_fit(source: SourceColumn, column: Column, *, is_key: bool) -> Fit | None:
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
    if source.sql_type in ISO_TYPES:
        return None
    if is_key:
        return Fit(1.0 if source.is_unique else 0.1)
    return Fit(0.7 if source.sql_type == "VARCHAR" else 0.5)


def _time_fit(source: SourceColumn, column: Column) -> Fit | None:
    wants_day = column.type == "date"
    if source.sql_type in ISO_TYPES or _share(source.texts, _is_iso) >= ENOUGH_READ:
        is_day = source.sql_type == "DATE" or all(len(text) == 10 for text in source.texts)
        return Fit(0.9 if is_day == wants_day else 0.6)

    for pattern in TIME_PATTERNS:
        if _share(source.texts, partial(_reads, pattern=pattern)) < ENOUGH_READ:
            continue
        is_day = "%H" not in pattern
        return Fit(0.8 if is_day == wants_day else 0.5, {"format": pattern})

    for form, (low, high) in EPOCHS.items():
        if _share(source.texts, partial(_within, low=low, high=high)) == 1:
            return Fit(0.4 if wants_day else 0.8, {"format": form})
    return None


def _boolean_fit(source: SourceColumn) -> Fit | None:
    if source.sql_type == "BOOLEAN":
        return Fit(1.0)
    if not source.levels or len(source.levels) > 2:
        return None
    levels = {}
    for text in source.levels:
        word = plain(text)
        if word not in YES and word not in NO:
            return Fit(0.2, unknown=tuple(source.levels))
        levels[text] = "true" if word in YES else "false"
    understood = all(text.lower() in ("0", "1", "true", "false", "yes", "no") for text in levels)
    return Fit(0.9, {} if understood else {"levels": levels})


def _number_fit(source: SourceColumn, column: Column) -> Fit | None:
    options: dict[str, Any] = {}
    read = _share(source.texts, _is_number)
    if read < ENOUGH_READ:
        if _share(source.texts, lambda text: _is_number(_pointed(text))) < ENOUGH_READ:
            return None
        options["decimal"] = ","
    if source.sql_type in (*ISO_TYPES, "BOOLEAN"):
        return None

    unit = UNITS.get(normalised(source.name).rpartition("_")[2])
    unit = unit or UNITS.get(normalised(source.name))
    factor = factor_of(column.name, unit) if unit else None
    if unit and factor is not None and factor != 1:
        options["unit"] = unit
    has_fractions = any("." in text.rstrip("0").rstrip(".") for text in source.texts)
    if column.type == "integer" and has_fractions and "unit" not in options:
        return Fit(0.2, options)
    return Fit(0.8, options)


def _level_fit(source: SourceColumn, column: Column) -> Fit | None:
    if not source.levels:
        return None
    found, unknown = level_mapping(source.levels, column.levels)
    share = len(found) / len(source.levels)
    options = {"levels": found} if any(old != new for old, new in found.items()) else {}
    return Fit(0.2 + 0.8 * share, options, tuple(unknown))


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
    for level in levels:
        if word in (normalised(level), *LEVELS.get(level, "").split()):
            return level
    # Of longer words a likeness says enough; of a letter or two it would be chance.
    scored = [(name_likeness(word, f"{level} {LEVELS.get(level, '')}"), level) for level in levels]
    best, level = max(scored)
    return level if len(word) >= 4 and best >= LIKE else None


def _share(texts: list[str], holds: Any) -> float:
    return sum(map(bool, map(holds, texts))) / len(texts)


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False


def _pointed(text: str) -> str:
    return text.replace(".", "").replace(",", ".")


def _is_iso(text: str) -> bool:
    try:
        return bool(datetime.fromisoformat(text)) and len(text) >= 10 and not text.isdigit()
    except ValueError:
        return False


def _reads(text: str, pattern: str) -> bool:
    try:
        return bool(datetime.strptime(text, pattern))
    except ValueError:
        return False


def _within(text: str, low: float, high: float) -> bool:
    return text.isdigit() and low <= float(text) <= high


def _is_phone(text: str) -> bool:
    digits = text.lstrip("+").replace(" ", "").replace("-", "").replace("/", "")
    return digits.isdigit() and 7 <= len(digits) <= 15
