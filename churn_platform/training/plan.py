"""Decides which matured months a model is trained and judged on, and records it in the lake."""

from datetime import date
from typing import Any

import duckdb

from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.data import matured_months
from churn_platform.training.splits import TRAIN, assign_months
from churn_platform.warehouse.tables import current_snapshot, ensure_table

COLUMNS = {
    "month": "date",
    "features_month": "date",
    "split": "varchar",
    "customers": "bigint",
    "churned": "bigint",
    "snapshot": "bigint",
    "train_share": "double",
}


def replace_training_set(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, *, rows_max: int
) -> list[dict[str, Any]]:
    """Record the training set of `month`, one row per feature month; returns the rows.

    `train_share` is the share of customers to fit on, below 1 where the training months hold more than `rows_max` rows.
    """
    months = matured_months(connection, portfolio, month)
    splits = assign_months(months, portfolio.split)
    training_rows = sum(row.customers for row in months if splits.get(row.features_month) == TRAIN)
    shared = {"snapshot": current_snapshot(connection), "train_share": min(1.0, rows_max / max(training_rows, 1))}
    rows: list[dict[str, Any]] = [
        {
            "month": month,
            "features_month": row.features_month,
            "split": splits[row.features_month],
            "customers": row.customers,
            "churned": row.churned,
        }
        | shared
        for row in months
        if row.features_month in splits
    ]
    table = f"{portfolio.name}.training_set"
    ensure_table(connection, table, COLUMNS)
    connection.execute(f"delete from {table} where month = ?", [month])
    connection.executemany(
        f"insert into {table} values (?, ?, ?, ?, ?, ?, ?)", [[row[name] for name in COLUMNS] for row in rows]
    )
    return rows


def as_markdown(rows: list[dict[str, Any]]) -> str:
    """The training set as a table to read."""
    lines = [
        f"| {row['features_month']:%Y-%m} | {row['split']} | {row['customers']:,} | {row['churned']:,} |"
        for row in rows
    ]
    return "\n".join(["| features of | split | customers | churned |", "|---|---|--:|--:|", *lines])
