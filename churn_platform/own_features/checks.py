"""Tests an operator's own feature on a month of its lake, before the graph builds it.

The feature must have one row per customer, keep its range, read tables by `ref` and `source` alone,
and know nothing from `as_of` on. The last is tried: the feature is made twice, of the past, and of
the past with an invented month behind it in which whatever could still happen has happened.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from churn_platform.errors import DataError, SpecError
from churn_platform.months import label, month_bounds, shift
from churn_platform.own_features.models import model_sql, own_features
from churn_platform.own_features.rendering import render_model
from churn_platform.portfolios.spec import Feature, Portfolio, Table
from churn_platform.sql import identifier, one_of
from churn_platform.warehouse.tables import read_columns, table_exists

SPINE = "customer_months"
MOST_CUSTOMERS = 100_000  # a sample shows a leak as well as everybody does
CLOCK = re.compile(
    r"\b(current_date|current_time|current_timestamp|now\s*\(|today\s*\(|random\s*\(|uuid\s*\()",
    re.IGNORECASE,
)
CLOSE = 1e-9  # relative; sums of the same numbers may differ in the last digits


@dataclass(frozen=True)
class Checked:
    """What a feature is like in a month, and what is wrong with it; nothing if it passes."""

    feature: str
    customers: int = 0
    missing: int = 0
    lowest: Any = None
    highest: Any = None
    wrong: tuple[str, ...] = ()


@dataclass
class _Tables:
    """The tables as a feature is to see them, by the name in `ref` or `source`."""

    connection: duckdb.DuckDBPyConnection
    portfolio: Portfolio
    month: date
    sample: int
    has_future: bool
    read: set[str] = field(default_factory=set)

    def named(self, name: str) -> str:
        landed = {table.name: table for table in self.portfolio.tables}
        raw = name.removeprefix("raw.")
        if raw != name:
            place, table = f"{self.portfolio.raw_schema}.{raw}", landed.get(raw)
        elif name.startswith("stg_"):
            staged = name.removeprefix("stg_")
            place, table = f"{self.portfolio.name}_staging.{name}", landed.get(staged)
        else:
            place, table = f"{self.portfolio.name}.{name}", None
        if not table_exists(self.connection, place):
            raise SpecError(f"{name!r} is no table of {self.portfolio.name}")

        self.read.add(place)
        return self._seen(place, table)

    def _seen(self, place: str, table: Table | None) -> str:
        columns = read_columns(self.connection, place)
        events = table.event_time if table else None
        customer = table.customer if table and table.customer else "customer_id"
        _, as_of = month_bounds(self.month, self.portfolio.timezone)
        end = _timestamp(as_of)

        conditions = [f"month <= date '{self.month}'"]
        if events:
            conditions.append(f"{identifier(events)} < {end}")
        if customer in columns and self.sample > 1:
            conditions.append(f"hash({identifier(customer)}) % {self.sample} = 0")
        told_later = {}
        for name in _told_later(table):
            later = f"{end} + interval 1 day" if self.has_future else "null"
            column = identifier(name)
            told_later[name] = f"case when {column} < {end} then {column} else {later} end"

        past = f"select {_star(told_later)} from {place} where {' and '.join(conditions)}"
        if not self.has_future:
            return f"({past})"

        moved = {"month": f"date '{shift(self.month, 1)}'"}
        if events:
            moved[events] = f"{identifier(events)} + interval 1 month"
        conditions[0] = f"month = date '{self.month}'"
        future = f"select {_star(moved)} from {place} where {' and '.join(conditions)}"
        return f"({past} union all by name {future})"


def _timestamp(at: datetime) -> str:
    return f"timestamp '{at:%Y-%m-%d %H:%M:%S}'"


def _star(replaced: Mapping[str, str]) -> str:
    if not replaced:
        return "*"
    listed = ", ".join(f"{sql} as {identifier(name)}" for name, sql in replaced.items())
    return f"* replace ({listed})"


def _told_later(table: Table | None) -> list[str]:
    """Columns of an event that may be filled in after it, such as the end of a ticket."""
    if table is None:
        return []
    times = [column.name for column in table.columns if column.type == "timestamp"]
    return [name for name in times if name != table.event_time]


def check_features(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    *,
    project: Path,
    variables: Mapping[str, Any],
) -> list[Checked]:
    """Test every own feature on a month; DataError if its spine is not there.

    `project` is the dbt project, whose macros the SQL may use, `variables` are the portfolio's.
    """
    check = partial(
        _check,
        connection,
        portfolio,
        month=month,
        sample=_sample(connection, portfolio, month),
        project=project,
        variables=variables,
    )
    return [check(feature) for feature in own_features(portfolio)]


def newest_month(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio) -> date:
    """The newest month that has a spine; DataError if there is none."""
    spine = f"{portfolio.name}.{SPINE}"
    row = None
    if table_exists(connection, spine):
        row = connection.execute(f"select max(month) from {spine}").fetchone()
    if not row or not row[0]:
        raise DataError(_no_spine(portfolio, "any month"))
    return row[0]


def _sample(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> int:
    """One of how many customers is looked at."""
    spine = f"{portfolio.name}.{SPINE}"
    count = 0
    if table_exists(connection, spine):
        query = f"select count(*) from {spine} where month = ?"
        row = connection.execute(query, [month]).fetchone()
        count = row[0] if row else 0
    if not count:
        raise DataError(_no_spine(portfolio, label(month)))
    return max(1, round(count / MOST_CUSTOMERS))


def _no_spine(portfolio: Portfolio, when: str) -> str:
    return (
        f"{portfolio.name} has no spine of {when} to try features on; run the graph first, without "
        f"them: `churn run {portfolio.name}`"
    )


def _check(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    feature: Feature,
    *,
    month: date,
    sample: int,
    project: Path,
    variables: Mapping[str, Any],
) -> Checked:
    sql = portfolio.own_sql[feature.name]
    wrong = []
    if found := CLOCK.search(sql):
        wrong.append(f"reads {found[1]!r}, so that a month made again would differ; take as_of()")

    sides = {"past": False, "future": True}
    try:
        for side, has_future in sides.items():
            seen = _Tables(connection, portfolio, month, sample, has_future)
            rendered = render_model(
                model_sql(feature, sql),
                project=project,
                variables=variables,
                month=month,
                table_of=seen.named,
            )
            wrong += _read_directly(connection, rendered, seen.read) if not has_future else []
            connection.execute(f"create or replace temp table own_{side} as {rendered}")
            spine = seen.named(SPINE)
            connection.execute(
                f"create or replace temp table spine_{side} as "
                f"select customer_id from {spine} where month = date '{month}'"
            )
    except (SpecError, duckdb.Error) as error:
        return Checked(feature.name, wrong=(*wrong, f"cannot be made: {_first_line(error)}"))

    wrong += _of_the_rows(connection, feature)
    wrong += _of_the_future(connection, feature)
    return _described(connection, feature, wrong)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _read_directly(
    connection: duckdb.DuckDBPyConnection, rendered: str, given: set[str]
) -> list[str]:
    row = connection.execute("select json_serialize_sql(?)", [rendered]).fetchone()
    named = set(_tables_in(json.loads(row[0]) if row else {}))
    direct = sorted(named - given)
    return [f"reads {name} directly; write {{{{ ref(...) }}}} for it" for name in direct]


def _tables_in(tree: Any) -> Iterator[str]:
    """Tables with a schema in a parsed statement; one without is a step of the statement itself."""
    # Not `get_table_names`, which refuses a join of two steps by their common column.
    if isinstance(tree, list):
        for each in tree:
            yield from _tables_in(each)
    if isinstance(tree, dict):
        if tree.get("type") == "BASE_TABLE" and tree["schema_name"]:
            yield f"{tree['schema_name']}.{tree['table_name']}"
        yield from _tables_in(list(tree.values()))


def _of_the_rows(connection: duckdb.DuckDBPyConnection, feature: Feature) -> list[str]:
    name = identifier(feature.name)
    wrong = []
    twice = _count(connection, "customer_id", "group by customer_id having count(*) > 1")
    if twice:
        wrong.append(f"{twice:,} customers have several rows; group by customer_id")
    if not feature.nullable:
        # In the table a customer without a row has null.
        missing = _of_the_spine(connection, f"{name} is null")
        if missing:
            wrong.append(f"{missing:,} customers have no value, and the entry says nullable: false")

    low, high = feature.range
    limits = []
    if low is not None:
        limits.append(f"{name} < {low}")
    if high is not None:
        limits.append(f"{name} > {high}")
    if feature.levels:
        limits.append(f"not {one_of(name, feature.levels)}")
    for condition in limits:
        outside = _count(connection, name, f"where {condition}")
        if outside:
            example = _one(connection, f"select {name} from own_past where {condition}")
            wrong.append(f"{outside:,} values are not allowed by the entry, e.g. {example}")
    return wrong


def _of_the_future(connection: duckdb.DuckDBPyConnection, feature: Feature) -> list[str]:
    name = identifier(feature.name)
    differs = f"past.{name} is distinct from future.{name}"
    if feature.type == "number":
        gap = f"abs(past.{name} - future.{name})"
        size = f"greatest(abs(past.{name}), abs(future.{name}))"
        differs += f" and not coalesce({gap} <= {CLOSE} * {size}, false)"
    query = (
        "select count(*) from own_past as past full join own_future as future using (customer_id) "
        f"where {differs}"
    )
    moved = _one(connection, query)
    if not moved:
        return []
    return [
        f"{moved:,} customers have another value once things have happened from as_of on; bound "
        "times by as_of(), days by as_of_date(), and months by batch_month()"
    ]


def _described(
    connection: duckdb.DuckDBPyConnection, feature: Feature, wrong: list[str]
) -> Checked:
    name = identifier(feature.name)
    query = f"select count(distinct customer_id), min({name}), max({name}) from own_past"
    row = connection.execute(query).fetchone()
    assert row is not None
    missing = _of_the_spine(connection, f"{name} is null")
    return Checked(feature.name, row[0], missing, row[1], row[2], tuple(wrong))


def _count(connection: duckdb.DuckDBPyConnection, column: str, rest: str) -> int:
    return _one(connection, f"select count(*) from (select {column} from own_past {rest})")


def _of_the_spine(connection: duckdb.DuckDBPyConnection, condition: str) -> int:
    return _one(
        connection,
        f"select count(*) from spine_past left join own_past using (customer_id) where {condition}",
    )


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    return row and row[0]
