"""Which months of `customer_features` were built with which features.

A feature that is added to a lake in use is null in older months, and so is one that was taken away
in newer ones. A null does not tell that from a customer of whom nothing is known; this table does.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import duckdb

from churn_platform.errors import DataError
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.sql import identifier, literals
from churn_platform.warehouse.lake import NAME as LAKE
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.tables import (
    ensure_table,
    made_months,
    read_columns,
    replace_month,
    table_exists,
    write,
)

NAME = "feature_months"
TABLE = "customer_features"
COLUMNS = {"month": "date", "feature": "varchar"}
GRAIN = ("customer_id", "month")


def prepare_columns(
    connection: duckdb.DuckDBPyConnection, lake: Lake, portfolio: Portfolio
) -> None:
    """Make an older table ready for another catalogue; to be called before a month is built.

    Notes, once, the features of months that are older than these notes. A feature that went must
    not stop new months, which have no value of it.
    """
    features = f"{portfolio.name}.{TABLE}"
    if not table_exists(connection, features):
        return
    columns = [name for name in read_columns(connection, features) if name not in GRAIN]
    if not table_exists(connection, f"{portfolio.name}.{NAME}"):
        _note(connection, lake, portfolio.name, sorted(made_months(connection, features)), columns)

    gone = sorted(set(columns) - set(portfolio.feature_names))
    bound = [name for name in gone if not _is_nullable(connection, portfolio.name, name)]

    def unbind() -> None:
        for name in bound:
            connection.execute(
                f"alter table {features} alter column {identifier(name)} drop not null"
            )

    if bound:
        write(connection, lake, unbind)


def _is_nullable(connection: duckdb.DuckDBPyConnection, schema: str, column: str) -> bool:
    row = connection.execute(
        "select is_nullable from duckdb_columns() where database_name = ? and schema_name = ? "
        "and table_name = ? and column_name = ?",
        [LAKE, schema, TABLE, column],
    ).fetchone()
    return bool(row and row[0])


def note_built(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    portfolio: Portfolio,
    months: Sequence[date],
) -> None:
    """Note that these months were built with the catalogue, in place of what was noted of them."""
    _note(connection, lake, portfolio.name, months, portfolio.feature_names)


def _note(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    portfolio: str,
    months: Sequence[date],
    features: Sequence[str],
) -> None:
    table = f"{portfolio}.{NAME}"

    def replace() -> None:
        ensure_table(connection, table, COLUMNS)
        for month in months:
            select = f"select date '{month}' as month, unnest([{literals(features)}]) as feature"
            replace_month(connection, table, month, select)

    if months:
        write(connection, lake, replace)


def known_features(
    connection: duckdb.DuckDBPyConnection, portfolio: str, *, snapshot: int | None = None
) -> Mapping[date, frozenset[str]]:
    """The features that each month was built with, now or as of a snapshot of the lake; a month of
    which nothing is noted is absent.
    """
    table = f"{portfolio}.{NAME}"
    version = "" if snapshot is None else f"at (version => {snapshot})"
    try:
        rows = connection.execute(
            f"select month, list(feature) from {table} {version} group by month"
        )
    except duckdb.CatalogException:
        return {}  # an older lake, or an older state of it
    return {month: frozenset(names) for month, names in rows.fetchall()}


def as_built(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    *,
    snapshot: int | None = None,
) -> Portfolio:
    """The portfolio with the features of the month marked that it was built without, now or as of a
    snapshot of the lake.
    """
    known = known_features(connection, portfolio.name, snapshot=snapshot)
    return knowing(portfolio, known.get(month))


def knowing(portfolio: Portfolio, known: Collection[str] | None) -> Portfolio:
    """The portfolio with its features marked that are not among those `known`; None: all are."""
    if known is None or set(known).issuperset(portfolio.feature_names):
        return portfolio

    features = []
    for feature in portfolio.features:
        is_known = feature.name in known
        features.append(feature.model_copy(update={"is_known": is_known}))
    return portfolio.model_copy(update={"features": tuple(features)})


def lacking(portfolio: Portfolio) -> list[str]:
    """Of a portfolio `as_built`, the features without values and without a default."""
    return [each.name for each in portfolio.features if not each.is_known and each.default is None]


def require_known(portfolio: Portfolio, month: date, needed: Collection[str], who: str) -> None:
    """DataError if a portfolio `as_built` in a month lacks a feature that `who` needs."""
    missing = [name for name in lacking(portfolio) if name in needed]
    if missing:
        names = ", ".join(missing)
        raise DataError(
            f"{who} needs {names}, which {label(month)} of {portfolio.name} was built without; "
            f"run `churn features backfill {portfolio.name} --feature {missing[0]}`"
        )
