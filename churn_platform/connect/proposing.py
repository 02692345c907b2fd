"""Chooses which table of the sources is which of the recipe, and column by column how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from churn_platform.connect.likeness import Fit, column_fit, name_likeness, table_likeness
from churn_platform.connect.looking import SourceColumn, SourceTable
from churn_platform.connect.vocabulary import FIXED, PERIODS, UNKNOWN
from churn_platform.portfolios.spec import Column, Portfolio, Table

SURE_COLUMN, SURE_TABLE = 0.5, 0.45
NAME_SHARE = 0.4
SAME_CUSTOMERS = 0.2  # of the ids of a sample, which need not hold all customers
LIKE_PERIOD = 0.8


@dataclass(frozen=True)
class ColumnGuess:
    """A column of the contract with that of the source; none for the same value in every row."""

    column: Column
    source: SourceColumn | None
    fit: Fit


@dataclass(frozen=True)
class TableGuess:
    """A table of the recipe with that of a source."""

    table: Table
    source: SourceTable
    confidence: float
    columns: Sequence[ColumnGuess]
    unplaced: Sequence[str]
    period: Mapping[str, str]
    levels: Mapping[str, list[str]]
    unknown_levels: Mapping[str, list[str]]

    @property
    def unused(self) -> list[str]:
        """Columns of the source that are for nothing."""
        used = {guess.source.name for guess in self.columns if guess.source}
        used.add(self.period.get("period", ""))
        return [column.name for column in self.source.columns if column.name not in used]


@dataclass(frozen=True)
class Guesses:
    """What is proposed, and what could not be placed."""

    tables: Sequence[TableGuess]
    missing: Sequence[str]
    leftover: Sequence[SourceTable] = field(default_factory=tuple)


def guesses(recipe: Portfolio, found: Sequence[SourceTable]) -> Guesses:
    """The best pairs of tables, each at most once on either side."""
    wanted = [table for table in recipe.tables if not table.optional]
    ids = _ids_of_customers(recipe.table("customers"), found)
    pairs = [[_table_guess(table, source, ids) for source in found] for table in wanted]
    scores = np.array([[guess.confidence for guess in row] for row in pairs])
    chosen = []
    for row, place in zip(*linear_sum_assignment(-scores), strict=True):
        if scores[row, place] >= SURE_TABLE:
            chosen.append(pairs[row][place])

    placed = {guess.table.name for guess in chosen}
    used = {guess.source.place for guess in chosen}
    return Guesses(
        tables=chosen,
        missing=[table.name for table in wanted if table.name not in placed],
        leftover=[source for source in found if source.place not in used],
    )


def _ids_of_customers(customers: Table, found: Sequence[SourceTable]) -> set[str]:
    """Ids in the sample of the table that looks most like that of the customers."""
    best = max(found, key=lambda source: _table_guess(customers, source, set()).confidence)
    for guess in _table_guess(customers, best, set()).columns:
        if guess.column.name == customers.key and guess.source:
            return set(guess.source.texts)
    return set()


def _table_guess(table: Table, source: SourceTable, ids: set[str]) -> TableGuess:
    columns = _columns(table, source, ids)
    by_name = {guess.column.name: guess for guess in columns}
    needed = [column for column in table.columns if column.required]
    found = [by_name[it.name].fit.confidence if it.name in by_name else 0.0 for it in needed]
    confidence = NAME_SHARE * table_likeness(source, table)
    confidence += (1 - NAME_SHARE) * sum(found) / len(found)
    roles = [role for role in (table.key, table.event_time, table.customer) if role]
    if any(role not in by_name for role in roles):
        confidence = 0.0  # without them nothing can be read

    levels: dict[str, list[str]] = {}
    unknown: dict[str, list[str]] = {}
    shown = []
    for guess in columns:
        guess, own, strange = _with_own_levels(guess)
        shown.append(guess)
        if own:
            levels[guess.column.name] = own
        if strange:
            unknown[guess.column.name] = strange

    unplaced = []
    for column in needed:
        if column.name in by_name:
            continue
        if column.name in UNKNOWN:
            shown.append(ColumnGuess(column, None, Fit(0.0, {"value": UNKNOWN[column.name]})))
        else:
            unplaced.append(column.name)

    used = {guess.source.name for guess in columns if guess.source}
    period = {} if table.event_time else _period(source, used)
    return TableGuess(
        table,
        source,
        round(confidence, 3),
        shown,
        unplaced,
        period,
        levels,
        unknown,
    )


def _columns(table: Table, source: SourceTable, ids: set[str]) -> list[ColumnGuess]:
    fits: dict[tuple[int, int], Fit] = {}
    scores = np.zeros((len(table.columns), max(1, len(source.columns))))
    for row, column in enumerate(table.columns):
        for place, there in enumerate(source.columns):
            # A key is unique in a month; a sample of customers may hold several months.
            is_key = column.name == table.key and table.event_time is not None
            fit = column_fit(there, column, is_key=is_key)
            if fit is None:
                continue
            if column.name == table.customer and _names_customers(there, ids):
                fit = Fit(max(fit.confidence, 0.9), fit.options)
            fits[row, place] = fit
            scores[row, place] = fit.confidence

    chosen = []
    for row, place in zip(*linear_sum_assignment(-scores), strict=True):
        if scores[row, place] >= SURE_COLUMN:
            column, there = table.columns[row], source.columns[place]
            chosen.append(ColumnGuess(column, there, fits[row, place]))
    return chosen


def _names_customers(column: SourceColumn, ids: set[str]) -> bool:
    texts = set(column.texts)
    return bool(texts) and len(texts & ids) / len(texts) >= SAME_CUSTOMERS


def _with_own_levels(guess: ColumnGuess) -> tuple[ColumnGuess, list[str], list[str]]:
    """The guess, with the levels that replace the recipe's, or those that no one knows."""
    unknown = list(guess.fit.unknown)
    if not unknown or guess.source is None:
        return guess, [], []
    if guess.column.name in FIXED or not guess.column.levels:
        return guess, [], unknown

    known = [text for text in guess.source.levels if text not in unknown]
    if len(known) >= len(unknown):
        return guess, [*guess.column.levels, *unknown], []
    # Most are strange: the operator has levels of its own here.
    plain = ColumnGuess(guess.column, guess.source, Fit(guess.fit.confidence))
    return plain, sorted(guess.source.levels), []


def _period(source: SourceTable, used: set[str]) -> dict[str, str]:
    """The column that tells the month of a row, where one does."""
    free = [column for column in source.columns if column.name not in used and column.values]
    scored = [(name_likeness(column.name, PERIODS), column) for column in free]
    best, column = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    if column is None or best < LIKE_PERIOD:
        return {}
    found: dict[str, Any] = {"period": column.name}
    if all(len(text) == 7 and text[4:5] == "-" for text in column.texts):
        found["period_format"] = "%Y-%m"
    elif all(len(text) == 6 and text.isdigit() for text in column.texts):
        found["period_format"] = "%Y%m"
    return found
