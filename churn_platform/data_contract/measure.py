"""Measures one month of a raw table in one scan: how much there is, what is missing, which levels,
which magnitude.

Ingest has refused wrong types, missing required values, unknown levels, keys that occur twice,
events outside the month and unknown customers. What is measured here is what no single row can
show.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

import duckdb

from churn_platform.ingest.load import raw_table, stored_name
from churn_platform.months import as_of, month_bounds, zone_offsets
from churn_platform.portfolios.spec import Column, Portfolio, Table
from churn_platform.sql import identifier, literal, local_time, one_of

Kind = Literal["count", "context", "size", "share", "level", "days"]
ROWS, ROWS_PER_CUSTOMER, SILENT_DAYS = "rows", "rows per customer", "silent days"
MISSING, ZERO, NEGATIVE, SIZE, UNKNOWN, LEVEL = (
    "missing",
    "zero",
    "negative",
    "size",
    "unknown level",
    "level ",
)


@dataclass(frozen=True)
class Measure:
    """One number about a month of a table; `column` is empty if it is about the whole table,
    `value` None if there was nothing to measure. Of events the rows per customer are judged, and
    their plain number is context.
    """

    column: str
    name: str
    kind: Kind
    value: float | None


@dataclass(frozen=True)
class _Asked:
    column: str
    name: str
    kind: Kind
    sql: str


def measure_month(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, table: Table, month: date
) -> list[Measure]:
    """Every measure of a month of a raw table, to six digits; the number of rows comes first."""
    asked = list(_asked(portfolio, table, month))
    query = (
        f"select {', '.join(each.sql for each in asked)} from {raw_table(portfolio, table)} "
        "where month = ?"
    )
    found = connection.execute(query, [month]).fetchone()
    assert found is not None

    measures = []
    for each, value in zip(asked, found, strict=True):
        # Threads add up in any order, so the last digits differ from run to run. Six digits do not.
        rounded = None if value is None else float(f"{value:.6g}")
        measures.append(Measure(each.column, each.name, each.kind, rounded))

    return measures


def _asked(portfolio: Portfolio, table: Table, month: date) -> Iterator[_Asked]:
    yield _Asked("", ROWS, "context" if table.customer else "count", "count(*)")
    if table.customer:
        customers = raw_table(portfolio, portfolio.table("customers"))
        known = f"(select count(*) from {customers} where month = date '{month}')"
        yield _Asked("", ROWS_PER_CUSTOMER, "count", f"count(*) / nullif({known}, 0)")

    if table.event_time:
        days = (as_of(month) - month).days
        day = f"{_event_time(portfolio, table, table.event_time, month)}::date"
        yield _Asked("", SILENT_DAYS, "days", f"{days} - count(distinct {day})")

    for column in table.columns:
        if column.name not in (table.key, table.customer, table.event_time):
            yield from _asked_of_column(portfolio, column)


def _event_time(portfolio: Portfolio, table: Table, name: str, month: date) -> str:
    # A column of days has the operator's own days already.
    zone = portfolio.timezone if table.column(name).type == "timestamp" else "UTC"
    _, end = month_bounds(month, zone)
    begun = [each for each in zone_offsets(zone) if each[0] < end]
    return local_time(identifier(name), zone, begun[-2:])


def _asked_of_column(portfolio: Portfolio, column: Column) -> Iterator[_Asked]:
    asked = column.name
    name = identifier(stored_name(column))
    if not column.required:
        yield _Asked(asked, MISSING, "share", _share(f"{name} is null"))

    # A hash has no size and no levels; only whether it is there can be judged.
    if column.hashed:
        return

    if column.type in ("number", "integer"):
        yield _Asked(asked, ZERO, "share", _share(f"{name} = 0"))
        yield _Asked(asked, NEGATIVE, "share", _share(f"{name} < 0"))
        # The geometric mean also moves when a third of the rows arrives in cents; a median would
        # not. And it needs no sort, so all measures fit into one scan.
        yield _Asked(asked, SIZE, "size", f"exp(avg(ln(nullif(abs({name}), 0))))")

    if column.type == "boolean":
        yield _Asked(asked, LEVEL + "true", "level", _share(name))
        yield _Asked(asked, LEVEL + "false", "level", _share(f"not {name}"))

    levels = _levels(portfolio, column)
    if levels:
        is_unknown = f"not {one_of(name, levels)}"
        yield _Asked(asked, UNKNOWN, "share", _share(is_unknown))

    for level in levels:
        is_level = f"{name} = {literal(level)}"
        yield _Asked(asked, LEVEL + level, "level", _share(is_level))


def _levels(portfolio: Portfolio, column: Column) -> tuple[str, ...]:
    """The levels that the contract of the file names, or else the catalogue."""
    if column.levels:
        return column.levels

    for feature in portfolio.features:
        # Of a column with a level for all others new values are nothing new.
        if feature.name == column.name and feature.other is None:
            return feature.levels

    return ()


def _share(condition: str) -> str:
    return f"count_if({condition}) / nullif(count(*), 0)"
