"""Chooses which table of the sources is which of the recipe, and column by column how."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from churn_platform.connect.likeness import (
    ISO_TYPES,
    Fit,
    column_fit,
    name_likeness,
    table_likeness,
)
from churn_platform.connect.looking import SourceColumn, SourceTable
from churn_platform.connect.vocabulary import FIXED, PERIODS, UNKNOWN
from churn_platform.portfolios.spec import Column, Portfolio, Table

# A person reads every proposal: a wrong guess is quickly seen, a missing one has to be searched.
SURE_COLUMN, SURE_TABLE = 0.5, 0.45
# Less than for a column: a table's columns tell more of it than its name.
NAME_SHARE = 0.4
SAME_CUSTOMERS = 0.2  # of the ids of a sample, which need not hold all customers
LIKE_PERIOD = 0.8
MOST_UNREAD = 0.02  # of the rows of a table; more is no dirt
YEAR, MONTH, DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
# How a month is written, with the pattern that reads it. DuckDB reads a full date by itself, but
# not a month without a day.
PERIOD_SHAPES = {
    rf"{YEAR}-{MONTH}-{DAY}": "",
    rf"{YEAR}-{MONTH}": "%Y-%m",
    rf"{YEAR}{MONTH}": "%Y%m",
    rf"{YEAR}{MONTH}{DAY}": "%Y%m%d",
    rf"{DAY}\.{MONTH}\.{YEAR}": "%d.%m.%Y",
    rf"{MONTH}/{YEAR}": "%m/%Y",
}


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
    def unread(self) -> float:
        """The largest share of a column's sample that cannot be read as proposed."""
        return max((guess.fit.unread for guess in self.columns), default=0.0)

    @property
    def has_dirt(self) -> bool:
        """Whether a few rows cannot be read, too few to speak against the proposal."""
        return 0 < self.unread <= MOST_UNREAD

    @property
    def unused(self) -> list[str]:
        """Columns of the source that are for nothing."""
        used = _used_names(self.columns)
        used.add(self.period.get("period", ""))
        unused = []
        for column in self.source.columns:
            if column.name not in used:
                unused.append(column.name)
        return unused


@dataclass(frozen=True)
class Guesses:
    """What is proposed, and what could not be placed."""

    tables: Sequence[TableGuess]
    missing: Sequence[str]
    leftover: Sequence[SourceTable] = field(default_factory=tuple)


def guesses(recipe: Portfolio, found: Sequence[SourceTable]) -> Guesses:
    """The best pairs of tables, each at most once on either side."""
    # Optional tables are landed by people: their absence is no loss.
    wanted = [table for table in recipe.tables if not table.optional]
    customers = recipe.table("customers")
    ids = _ids_of_customers(customers, found)
    pairs: dict[tuple[int, int], TableGuess] = {}
    shape = (len(wanted), len(found))
    scores = np.zeros(shape)
    for row, table in enumerate(wanted):
        for place, source in enumerate(found):
            guess = _table_guess(table, source, ids)
            pairs[row, place] = guess
            scores[row, place] = guess.confidence

    chosen = [pairs[pair] for pair in _best_pairs(scores, SURE_TABLE)]
    missing = [table.name for table in wanted]
    used = set()
    for guess in chosen:
        missing.remove(guess.table.name)
        used.add(_place(guess.source))
    leftover = [source for source in found if _place(source) not in used]
    return Guesses(chosen, missing, leftover)


def _place(table: SourceTable) -> tuple[str, str]:
    # Two databases may have tables of one name.
    return table.source, table.place


def _best_pairs(scores: np.ndarray, least: float) -> Iterator[tuple[int, int]]:
    """Row and column of the pairs with the highest sum, those below `least` left out."""
    # All pairs at once: the best of each alone could take one column for two of the contract.
    rows, places = linear_sum_assignment(-scores)
    for row, place in zip(rows, places, strict=True):
        if scores[row, place] >= least:
            yield int(row), int(place)


def _used_names(columns: Sequence[ColumnGuess]) -> set[str]:
    used = set()
    for guess in columns:
        if guess.source:
            used.add(guess.source.name)
    return used


def _ids_of_customers(customers: Table, found: Sequence[SourceTable]) -> set[str]:
    """Ids in the sample of the table that looks most like that of the customers."""
    # No ids are known yet, so this first look goes by names and values alone.
    looked = [_table_guess(customers, source, set()) for source in found]
    best = max(looked, key=lambda guess: guess.confidence)
    for guess in best.columns:
        if guess.source is None:
            continue
        if guess.column.name == customers.key:
            return set(guess.source.texts)
    return set()


def _table_guess(table: Table, source: SourceTable, ids: set[str]) -> TableGuess:
    # An event's own time tells its month; a table without one needs a column that does. Looked for
    # first: a day on which the row was true could be taken for one that the contract wants.
    period: dict[str, str] = {}
    if not table.event_time:
        period = _period(source)

    columns = _columns(table, source, ids, without=period.get("period"))
    by_name = {guess.column.name: guess for guess in columns}

    levels: dict[str, list[str]] = {}
    unknown: dict[str, list[str]] = {}
    shown = []
    for guess in columns:
        name = guess.column.name
        guess, own, strange = _with_own_levels(guess)
        shown.append(guess)
        if own:
            levels[name] = own
        if strange:
            unknown[name] = strange

    unplaced = []
    for column in table.columns:
        if not column.required or column.name in by_name:
            continue
        if column.name in UNKNOWN:
            same_for_all = Fit(0.0, {"value": UNKNOWN[column.name]})
            shown.append(ColumnGuess(column, None, same_for_all))
        else:
            unplaced.append(column.name)

    return TableGuess(
        table,
        source,
        _confidence(table, source, by_name),
        shown,
        unplaced,
        period,
        levels,
        unknown,
    )


def _confidence(table: Table, source: SourceTable, by_name: Mapping[str, ColumnGuess]) -> float:
    """How sure a pair of tables is: its name, and the columns that the contract requires."""
    for role in (table.key, table.event_time, table.customer):
        if role and role not in by_name:
            return 0.0  # without them nothing can be read

    needed = 0
    found = 0.0
    for column in table.columns:
        if not column.required:
            continue
        needed += 1
        if column.name in by_name:
            found += by_name[column.name].fit.confidence
    by_columns = found / needed
    by_table = table_likeness(source, table)
    confidence = NAME_SHARE * by_table + (1 - NAME_SHARE) * by_columns
    return round(confidence, 3)


def _columns(
    table: Table, source: SourceTable, ids: set[str], *, without: str | None
) -> list[ColumnGuess]:
    fits: dict[tuple[int, int], Fit] = {}
    shape = (len(table.columns), max(1, len(source.columns)))
    scores = np.zeros(shape)
    for row, column in enumerate(table.columns):
        # A key is unique in a month; a sample of customers may hold several months.
        is_key = column.name == table.key and table.event_time is not None
        is_customer = column.name == table.customer
        for place, there in enumerate(source.columns):
            if there.name == without:
                continue
            fit = column_fit(there, column, is_key=is_key)
            if fit is None:
                continue
            # Ids that are those of customers say more than any name.
            if is_customer and _names_customers(there, ids):
                sure = max(fit.confidence, 0.9)
                fit = replace(fit, confidence=sure, unknown=())
            fits[row, place] = fit
            scores[row, place] = fit.confidence

    chosen = []
    for row, place in _best_pairs(scores, SURE_COLUMN):
        column = table.columns[row]
        there = source.columns[place]
        chosen.append(ColumnGuess(column, there, fits[row, place]))
    return chosen


def _names_customers(column: SourceColumn, ids: set[str]) -> bool:
    texts = set(column.texts)
    if not texts:
        return False
    known = texts & ids
    return len(known) / len(texts) >= SAME_CUSTOMERS


def _with_own_levels(guess: ColumnGuess) -> tuple[ColumnGuess, list[str], list[str]]:
    """The guess, with the levels that replace the recipe's, or those that no one knows."""
    unknown = list(guess.fit.unknown)
    if not unknown or guess.source is None:
        return guess, [], []
    column = guess.column
    # The recipe's statements name these levels, so a person has to say which they are.
    if column.name in FIXED or not column.levels:
        unread = guess.source.share_of(unknown)
        if unread > MOST_UNREAD:
            return guess, [], unknown
        # Too few to be a kind of its own: rows that something went wrong with.
        return replace(guess, fit=replace(guess.fit, unread=unread)), [], []

    own = guess.source.levels
    known = set(own).difference(unknown)
    if len(known) >= len(unknown):
        extended = [*column.levels, *unknown]
        return guess, extended, []
    # Most are strange: the operator has levels of its own here.
    without_mapping = Fit(guess.fit.confidence)
    plain = ColumnGuess(column, guess.source, without_mapping)
    return plain, sorted(own), []


def _period(source: SourceTable) -> dict[str, str]:
    """The column that tells the month of a row, where one does."""
    chosen = None
    best = 0.0
    for column in source.columns:
        likeness = name_likeness(column.name, PERIODS)
        if likeness > best and _period_format(column) is not None:
            best = likeness
            chosen = column
    if chosen is None or best < LIKE_PERIOD:
        return {}

    found = {"period": chosen.name}
    pattern = _period_format(chosen)
    if pattern:
        found["period_format"] = pattern
    return found


def _period_format(column: SourceColumn) -> str | None:
    """How the months of a column are written, empty where DuckDB reads them by itself; None if
    they are none.
    """
    if not column.values:
        return None
    if column.sql_type in ISO_TYPES:
        return ""
    for shape, pattern in PERIOD_SHAPES.items():
        if all(re.fullmatch(shape, text) for text in column.texts):
            return pattern
    return None
