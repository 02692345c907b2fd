"""Reads labelled features from the lake, as of a snapshot, so that a model can be trained again on the same rows."""

from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np

from churn_platform.errors import TrainingError
from churn_platform.months import label
from churn_platform.portfolios.encoding import encoded_columns, matrix
from churn_platform.portfolios.spec import Portfolio
from churn_platform.portfolios.validation import validate_encoded
from churn_platform.training.splits import HOLDOUT, SPLITS, TRAIN, VALIDATION, LabelledMonth, row_splits
from churn_platform.warehouse.tables import read_rows, table_exists


@dataclass(frozen=True)
class Labelled:
    """Rows of one split: features (rows, features) float32 in catalogue order, churned (rows,) int8, customer ids."""

    features: np.ndarray
    churned: np.ndarray
    customer_ids: np.ndarray

    def __len__(self) -> int:
        return len(self.churned)

    def take(self, rows: np.ndarray) -> "Labelled":
        """The given rows, by position or by a mask."""
        return Labelled(self.features[rows], self.churned[rows], self.customer_ids[rows])


@dataclass(frozen=True)
class TrainingData:
    """The three parts of a training set."""

    train: Labelled
    validation: Labelled
    holdout: Labelled


@dataclass(frozen=True)
class TrainingSet:
    """What a training set is made of: splits by feature month, at a snapshot of the lake, and the share sampled."""

    month: date
    months: dict[date, str]
    snapshot: int
    train_share: float


def matured_months(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> list[LabelledMonth]:
    """Feature months whose labels have matured by `month`, oldest first."""
    labels = f"{portfolio.name}.churn_labels"
    if not table_exists(connection, labels):
        return []
    rows = connection.execute(
        f"select features_month, count(*), count_if(churned) from {labels} "
        "where month <= ? group by features_month order by features_month",
        [month],
    ).fetchall()
    return [LabelledMonth(*row) for row in rows]


def read_training_set(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> TrainingSet:
    """The training set recorded for `month`, months oldest first; TrainingError where none was materialized."""
    rows = read_rows(connection, f"{portfolio.name}.training_set", month)
    if not rows:
        raise TrainingError(
            f"no training set of {portfolio.name} for {label(month)}; materialize {portfolio.name}/training_set first"
        )
    months = {row["features_month"]: row["split"] for row in sorted(rows, key=lambda row: row["features_month"])}
    return TrainingSet(month, months, rows[0]["snapshot"], rows[0]["train_share"])


def load_training_data(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, training_set: TrainingSet
) -> TrainingData:
    """The rows of a training set, in the order of month and customer, validated against the catalogue."""
    if portfolio.split.policy == "stratified":
        (features_month,) = training_set.months
        everyone = load_labelled(connection, portfolio, features_month, snapshot=training_set.snapshot)
        parts = row_splits(everyone.churned, portfolio.split)
        return TrainingData(*(everyone.take(parts == name) for name in SPLITS))
    by_split: dict[str, list[Labelled]] = {name: [] for name in SPLITS}
    for features_month, name in training_set.months.items():
        share = training_set.train_share if name == TRAIN else 1.0
        rows = load_labelled(connection, portfolio, features_month, snapshot=training_set.snapshot, share=share)
        by_split[name].append(rows)
    return TrainingData(*(_stacked(by_split[name]) for name in (TRAIN, VALIDATION, HOLDOUT)))


def load_labelled(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    features_month: date,
    *,
    snapshot: int,
    share: float = 1.0,
) -> Labelled:
    """Customers of one feature month with their labels, ordered by customer.

    `share` below 1 keeps a fixed sample of customers, the same in every month. Cardinality of the join is one to one.
    """
    version = f"at (version => {snapshot})"
    table = connection.execute(
        f"""
        select customer_id, churned::tinyint as churned, {encoded_columns(portfolio.features)}
        from {portfolio.name}.customer_features as features {version}
        join {portfolio.name}.churn_labels as labels {version} using (customer_id)
        where features.month = $month and labels.features_month = $month
          and hash(customer_id) % 1000000 < $share * 1000000
        order by customer_id
        """,
        {"month": features_month, "share": share},
    ).to_arrow_table()
    features = matrix(table, portfolio.feature_names)
    validate_encoded(features, portfolio.features, what=f"{portfolio.name} features of {label(features_month)}")
    return Labelled(features, table["churned"].to_numpy(), table["customer_id"].to_numpy())


def _stacked(parts: list[Labelled]) -> Labelled:
    return Labelled(
        np.vstack([part.features for part in parts]),
        np.concatenate([part.churned for part in parts]),
        np.concatenate([part.customer_ids for part in parts]),
    )
