"""Reads labelled features from the lake, as of a snapshot, so that a model can be trained again on
the same rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from churn_platform.errors import TrainingError
from churn_platform.ingest.recorded_outcomes import CONTACTS
from churn_platform.months import label, shift
from churn_platform.own_features.feature_months import as_built, knowing, known_features, lacking
from churn_platform.portfolios.encoding import column, encoded_columns, matrix
from churn_platform.portfolios.spec import Portfolio
from churn_platform.portfolios.validation import validate_encoded
from churn_platform.training.splits import HOLDOUT, SPLITS, TRAIN, LabelledMonth, row_splits
from churn_platform.warehouse.lake import stream
from churn_platform.warehouse.tables import read_rows, table_exists

STREAMED_ROWS = (
    100_000  # no setting: XGBoost bins batch by batch, so the size is part of the recipe of a model
)


@dataclass(frozen=True)
class Labelled:
    """Rows of one split: features (rows, features) float32 in catalogue order, churned (rows,)
    int8, customer ids.

    `weights` (rows,) float64 say how much each row counts in a fit; None if all count alike.
    `is_contacted` (rows,) booleans mark those that a campaign contacted from the month of the
    features to that of the label; None: no one.
    """

    features: np.ndarray
    churned: np.ndarray
    customer_ids: np.ndarray
    weights: np.ndarray | None = None
    is_contacted: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.churned)

    def take(self, rows: np.ndarray) -> "Labelled":
        """The given rows, by position or by a mask."""
        weights, is_contacted = self.weights, self.is_contacted
        return Labelled(
            self.features[rows],
            self.churned[rows],
            self.customer_ids[rows],
            None if weights is None else weights[rows],
            None if is_contacted is None else is_contacted[rows],
        )

    @property
    def untouched(self) -> "Labelled":
        """The rows whose label no campaign had a hand in."""
        # An accepted offer keeps a customer who would have left, so a model that learns from such
        # labels, or is judged by them, takes customers at risk for safe ones. Who is contacted
        # depends on the features and a draw alone, so among the others the probability of leaving,
        # given the features, is what it would be without a campaign.
        return self if self.is_contacted is None else self.take(~self.is_contacted)

    def weighing(self, weight: float | None) -> "Labelled":
        """The same rows, each with this weight."""
        return replace(self, weights=None if weight is None else np.full(len(self), weight))


@dataclass(frozen=True)
class TrainingData:
    """The three parts of a training set."""

    train: Labelled
    validation: Labelled
    holdout: Labelled


@dataclass(frozen=True)
class TrainingSet:
    """What a training set is made of: splits by feature month, at a snapshot of the lake, and the
    share sampled.

    `train_customers` counts the rows of the training months, before sampling; 0 if rows are
    split, not months. `weights` are those of a row of each training month, for a half-life; without
    one all rows count alike.
    """

    month: date
    months: dict[date, str]
    snapshot: int
    train_share: float
    train_customers: int = 0
    half_life_months: float | None = None
    weights: dict[date, float] = field(default_factory=dict)


def matured_months(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> list[LabelledMonth]:
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


def unknown_features(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, months: Sequence[LabelledMonth]
) -> dict[date, list[str]]:
    """The months that cannot be trained on, with the features that they were built without and that
    have no default.
    """
    known = known_features(connection, portfolio.name)
    without = {}
    for month in months:
        names = lacking(knowing(portfolio, known.get(month.features_month)))
        if names:
            without[month.features_month] = names
    return without


def read_training_set(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> TrainingSet:
    """The training set recorded for `month`, months oldest first; TrainingError if none was
    materialized.
    """
    rows = read_rows(connection, f"{portfolio.name}.training_set", month)
    if not rows:
        raise TrainingError(
            f"no training set of {portfolio.name} for {label(month)}; "
            f"materialize {portfolio.name}/training_set first"
        )

    months = {}
    weights = {}
    train_customers = 0
    for row in sorted(rows, key=lambda row: row["features_month"]):
        features_month = row["features_month"]
        months[features_month] = row["split"]
        if row["split"] == TRAIN:
            train_customers += row["customers"]

        if row.get("weight") is not None:
            weights[features_month] = row["weight"]

    return TrainingSet(
        month,
        months,
        rows[0]["snapshot"],
        rows[0]["train_share"],
        train_customers,
        half_life_months=rows[0].get("half_life_months"),
        weights=weights,
    )


def load_training_data(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, training_set: TrainingSet
) -> TrainingData:
    """The rows of a training set, in the order of month and customer, validated against the
    catalogue.
    """
    return TrainingData(*load_splits(connection, portfolio, training_set, *SPLITS))


def load_splits(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    training_set: TrainingSet,
    *names: str,
    validated: bool = True,
) -> list[Labelled]:
    """The named splits of a training set; only the months in them are read.

    Customers that a campaign contacted are left out of the training rows, and marked in the others.
    DataError if a value is outside the catalogue, unless `validated` is false.
    """
    if portfolio.split.policy == "stratified":
        (features_month,) = training_set.months
        snapshot = training_set.snapshot
        everyone = load_labelled(
            connection,
            portfolio,
            features_month,
            snapshot=snapshot,
            validated=validated,
        )
        parts = row_splits(everyone.churned, portfolio.split)
        return [_fitted_on(everyone.take(parts == name), name) for name in names]

    splits = []
    for name in names:
        months = _months_of_split(connection, portfolio, training_set, name, validated=validated)
        splits.append(_stacked(list(months)))

    return splits


def load_holdout(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    training_set: TrainingSet,
    *,
    validated: bool = True,
) -> Labelled:
    """The hold-out of a training set, without reading what it was fitted on; `validated` as in
    `load_splits`.
    """
    return load_splits(connection, portfolio, training_set, HOLDOUT, validated=validated)[0]


def _months_of_split(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    training_set: TrainingSet,
    name: str,
    *,
    validated: bool,
) -> Iterator[Labelled]:
    # Validation and hold-out are never sampled: they decide, and every churner counts there.
    share = training_set.train_share if name == TRAIN else 1.0
    for features_month, split in training_set.months.items():
        if split == name:
            rows = load_labelled(
                connection,
                portfolio,
                features_month,
                snapshot=training_set.snapshot,
                share=share,
                validated=validated,
            )
            yield _fitted_on(rows, name).weighing(training_set.weights.get(features_month))


def _fitted_on(rows: Labelled, split: str) -> Labelled:
    # Only the fit leaves contacted customers out. The other splits mark them, and each caller
    # decides: calibration leaves them out, the hold-out shows them.
    return rows.untouched if split == TRAIN else rows


def stream_training_rows(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    training_set: TrainingSet,
    *,
    batch_rows: int = STREAMED_ROWS,
) -> Iterator[Labelled]:
    """Every training row of an out-of-time set, none left out for a sample, a batch at a time in
    the same order.
    """
    for features_month, split in training_set.months.items():
        if split != TRAIN:
            continue
        weight = training_set.weights.get(features_month)
        snapshot = training_set.snapshot
        built = as_built(connection, portfolio, features_month, snapshot=snapshot)
        query, parameters = _labelled_query(
            connection,
            built,
            features_month,
            snapshot,
            share=1.0,
        )
        for batch in stream(connection, query, parameters, batch_rows=batch_rows):
            rows = _labelled(batch, built, features_month).untouched
            yield rows.weighing(weight)


def load_labelled(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    features_month: date,
    *,
    snapshot: int,
    share: float = 1.0,
    validated: bool = True,
) -> Labelled:
    """Customers of one feature month with their labels, ordered by customer.

    `share` below 1 keeps a fixed sample of customers, the same in every month. Cardinality of the
    join is one to one. DataError if a value is outside the catalogue, unless `validated` is
    false.
    """
    portfolio = as_built(connection, portfolio, features_month, snapshot=snapshot)
    query, parameters = _labelled_query(
        connection,
        portfolio,
        features_month,
        snapshot,
        share=share,
    )
    rows = connection.execute(query, parameters).to_arrow_table()
    return _labelled(rows, portfolio, features_month, validated=validated)


def _labelled_query(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    snapshot: int,
    *,
    share: float,
) -> tuple[str, dict[str, Any]]:
    # Rows are not copied: months and a snapshot of the lake name them exactly, and later writes do
    # not change what the snapshot shows.
    version = f"at (version => {snapshot})"
    contacts = f"{portfolio.raw_schema}.{CONTACTS} {version}"
    # From the features to the outcome: a contact in between may have changed the label.
    outcomes = shift(month, portfolio.label.outcome_months)
    is_contacted = (
        f"customer_id in (select customer_id from {contacts} where month between $month "
        f"and date '{outcomes}')"
        if table_exists(connection, contacts)
        else "false"
    )
    query = f"""
        select
            customer_id,
            churned::tinyint as churned,
            {is_contacted} as is_contacted,
            {encoded_columns(portfolio.features)},
        from {portfolio.name}.customer_features as features {version}
        join {portfolio.name}.churn_labels as labels {version} using (customer_id)
        where features.month = $month and labels.features_month = $month
          and hash(customer_id) % 1000000 < $share * 1000000
        order by customer_id
        """
    return query, {"month": month, "share": share}


def _labelled(
    rows: pa.Table | pa.RecordBatch, portfolio: Portfolio, month: date, *, validated: bool = True
) -> Labelled:
    features = matrix(rows, portfolio.feature_names)
    if validated:
        validate_encoded(
            features,
            portfolio.features,
            what=f"{portfolio.name} features of {label(month)}",
        )

    is_contacted = column(rows, "is_contacted").astype(bool)
    return Labelled(
        features,
        column(rows, "churned"),
        column(rows, "customer_id"),
        is_contacted=is_contacted if is_contacted.any() else None,
    )


def _stacked(parts: list[Labelled]) -> Labelled:
    weights = [part.weights for part in parts if part.weights is not None]
    is_contacted = np.concatenate([_contact_marks(part) for part in parts])
    return Labelled(
        np.vstack([part.features for part in parts]),
        np.concatenate([part.churned for part in parts]),
        np.concatenate([part.customer_ids for part in parts]),
        np.concatenate(weights) if weights else None,
        is_contacted if is_contacted.any() else None,
    )


def _contact_marks(part: Labelled) -> np.ndarray:
    if part.is_contacted is None:
        return np.zeros(len(part), dtype=bool)
    return part.is_contacted
