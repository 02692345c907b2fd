"""Features and labels of a snapshot portfolio: what dbt does for event tables, one statement each
does here.
"""

from datetime import date

import duckdb

from churn_platform.ingest.casting import SQL_TYPES
from churn_platform.months import as_of
from churn_platform.portfolios.spec import Feature, Portfolio
from churn_platform.sql import identifier, literal, one_of, select_list
from churn_platform.warehouse.tables import ensure_table, replace_month

LABEL_COLUMNS = {
    "month": "date",
    "customer_id": "varchar",
    "features_month": "date",
    "churned": "boolean",
}


def replace_features(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> int:
    """One row per customer of the month's snapshot, features in catalogue order; returns their
    number.
    """
    types = {"customer_id": "varchar", "month": "date"}
    values = {}
    for feature in portfolio.features:
        kind = "string" if feature.type == "category" else feature.type
        types[feature.name] = SQL_TYPES[kind]
        values[feature.name] = _value(feature, month)

    table = f"{portfolio.name}.customer_features"
    ensure_table(connection, table, types)
    select = f"select customer_id, month, {select_list(values)} {_raw(portfolio, month)}"
    return replace_month(connection, table, month, select)


def _value(feature: Feature, month: date) -> str:
    """SQL for a feature from its landed column: days before the month's end, and rare levels as the
    one for others.
    """
    column = identifier(feature.name)
    if feature.is_days_before:
        return f"datediff('day', {column}, date '{as_of(month)}')"
    if feature.other is None:
        return column

    is_level = one_of(column, feature.levels)
    # A new level is normal for such a column. Null stays null: it is missing, not rare.
    is_rare = f"when {column} is not null then {literal(feature.other)}"
    return f"case when {is_level} then {column} {is_rare} end"


def replace_labels(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> int:
    """One row per customer of the snapshot whose label was delivered; a snapshot's labels mature
    with itself.
    """
    table = f"{portfolio.name}.churn_labels"
    ensure_table(connection, table, LABEL_COLUMNS)
    has_churned = one_of("churn_label", portfolio.label.positive)
    is_ignored = one_of("churn_label", ("", *portfolio.label.ignored))
    # A snapshot has no next month: features and outcome are of the same file.
    select = f"""
        select month, customer_id, month as features_month, {has_churned} as churned
        {_raw(portfolio, month)} and not {is_ignored}
    """
    return replace_month(connection, table, month, select)


def _raw(portfolio: Portfolio, month: date) -> str:
    return f"from {portfolio.raw_schema}.customers where month = date '{month}'"
