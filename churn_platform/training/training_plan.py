"""Decides which matured months a model is trained and judged on, and records it in the lake."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import duckdb

from churn_platform.errors import TrainingError
from churn_platform.markdown import table
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.plain_numbers import number
from churn_platform.training.splits import TRAIN, assign_months, recency_weights
from churn_platform.training.training_data import matured_months, unknown_features
from churn_platform.warehouse.tables import current_snapshot, replace_dicts

COLUMNS = {
    "month": "date",
    "features_month": "date",
    "split": "varchar",
    "customers": "bigint",
    "churned": "bigint",
    "snapshot": "bigint",
    "train_share": "double",
    "half_life_months": "double",
    "weight": "double",
}


def replace_training_set(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, *, rows_max: int
) -> list[dict[str, Any]]:
    """Record the training set of `month`, one row per feature month; returns the rows.

    `train_share` is the share of customers to fit on, below 1 where the training months hold more
    than `rows_max` rows. `weight` is that of a row of a training month; null if all count alike.
    """
    matured = matured_months(connection, portfolio, month)
    unknown = unknown_features(connection, portfolio, matured)
    months = [each for each in matured if each.features_month not in unknown]
    try:
        splits = assign_months(months, portfolio.split)
    except TrainingError as error:
        raise TrainingError(f"{error}{_left_out(portfolio, unknown)}") from None

    train = {}
    for row in months:
        if splits.get(row.features_month) == TRAIN:
            train[row.features_month] = row.customers

    weights = recency_weights(train, portfolio.split)
    shared = {
        # Months and a snapshot instead of copied rows: they name the rows exactly and cost nothing.
        "snapshot": current_snapshot(connection),
        # By customer, not by month: all months stay, and a customer is in the sample in each of
        # them.
        "train_share": min(1.0, rows_max / max(sum(train.values()), 1)),
        "half_life_months": portfolio.split.half_life_months,
    }

    rows: list[dict[str, Any]] = []
    for row in months:
        if row.features_month not in splits:
            continue
        recorded = {
            "features_month": row.features_month,
            "split": splits[row.features_month],
            "customers": row.customers,
            "churned": row.churned,
            "weight": weights.get(row.features_month),
        }
        rows.append(recorded | shared)

    replace_dicts(connection, f"{portfolio.name}.training_set", COLUMNS, month, rows)
    return rows


def _left_out(portfolio: Portfolio, unknown: Mapping[date, Sequence[str]]) -> str:
    """Which months are not used, for want of which features, as the end of an error."""
    if not unknown:
        return ""
    names = sorted({name for missing in unknown.values() for name in missing})
    return (
        f"; {len(unknown)} months, {label(min(unknown))} to {label(max(unknown))}, were built "
        f"without {', '.join(names)}: run `churn features backfill {portfolio.name} --feature "
        f"{names[0]}`, or give the feature a default"
    )


def as_markdown(rows: list[dict[str, Any]]) -> str:
    """The training set as a table to read."""
    head = ["features of", "split", "customers", "churned", "weight"]
    lines = []
    for row in rows:
        cells = [
            f"{row['features_month']:%Y-%m}",
            row["split"],
            f"{row['customers']:,}",
            f"{row['churned']:,}",
            number(row["weight"] or 1, digits=3),
        ]
        lines.append(cells)

    return table(head, lines, align="llrrr")
