"""What a registered version was fitted on, found again: its catalogue and seed, its snapshot, its
training set.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import duckdb

from churn_platform.errors import TrainingError
from churn_platform.months import label, parse_month
from churn_platform.portfolios.spec import Feature, Portfolio
from churn_platform.training.candidates import ALGORITHMS
from churn_platform.training.model_record import ModelRecord
from churn_platform.training.splits import HOLDOUT, STRATIFIED, TRAIN, VALIDATION
from churn_platform.training.training_data import TrainingSet, read_training_set
from churn_platform.warehouse.erased_snapshots import erasure_of_snapshot
from churn_platform.warehouse.lake import NAME
from churn_platform.warehouse.tables import current_snapshot


def as_fitted(portfolio: Portfolio, record: ModelRecord, features: Sequence[Feature]) -> Portfolio:
    """The portfolio with the features and the seed of a version: the catalogue may have grown
    since, the seed changed.

    An older snapshot of the lake has no column of a newer feature, and another seed draws other
    rows.
    """
    split = portfolio.split.model_copy(update={"seed": record.seed})
    return portfolio.model_copy(update={"features": tuple(features), "split": split})


def has_snapshot(connection: duckdb.DuckDBPyConnection, snapshot: int) -> bool:
    """Whether the lake still has a snapshot; an erasure takes away those that saw the customer."""
    query = f"select 1 from ducklake_snapshots('{NAME}') where snapshot_id = ?"
    return connection.execute(query, [snapshot]).fetchone() is not None


def readable_snapshot(connection: duckdb.DuckDBPyConnection, snapshot: int) -> int:
    """The snapshot, or, where it is gone, the newest: the same months without the customers erased
    since.
    """
    return snapshot if has_snapshot(connection, snapshot) else current_snapshot(connection)


def check_snapshot(
    connection: duckdb.DuckDBPyConnection, version: int, record: ModelRecord
) -> None:
    """TrainingError if the lake's snapshot of a version is gone, saying what took it."""
    if has_snapshot(connection, record.snapshot):
        return

    erased = erasure_of_snapshot(connection, record.snapshot)
    why = (
        f"an erasure of a customer in {label(erased)} took it away"
        if erased
        else "it was expired by housekeeping"
    )
    raise TrainingError(
        f"version {version} of {record.portfolio} was fitted "
        f"on snapshot {record.snapshot} of the lake, which is gone: "
        f"{why}. Its training rows cannot be read again; nothing was fitted"
    )


def recorded_training_set(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    record: ModelRecord,
    *,
    rows_max: int | None = None,
) -> TrainingSet:
    """The training set of a record: the one in the lake where it is still that, else made of what
    the record says.

    It is read at its `readable_snapshot`. `rows_max` tells a fit that streamed its rows, because
    they were too many, from one that held them.
    """
    month = parse_month(record.month)
    snapshot = readable_snapshot(connection, record.snapshot)
    try:
        kept = read_training_set(connection, portfolio, month)
    except TrainingError:
        kept = None

    # Another training of the same month may have replaced the row; then the record itself tells.
    if kept and kept.snapshot == record.snapshot:
        return replace(kept, snapshot=snapshot)

    share = record.train_share
    if rows_max and ALGORITHMS[record.algorithm].fit_streamed and record.train_rows > rows_max:
        share = rows_max / record.train_rows

    months = map(parse_month, record.training_months)
    return TrainingSet(
        month,
        _months(connection, portfolio, record, snapshot),
        snapshot,
        share,
        record.train_rows,
        half_life_months=record.half_life_months,
        weights=dict(
            zip(months, record.training_weights, strict=False)
        ),  # none of them where all rows count alike
    )


def _months(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, record: ModelRecord, snapshot: int
) -> dict[date, str]:
    """Split by month; the months between training and hold-out validate."""
    holdout = parse_month(record.holdout_month)
    if portfolio.split.policy == "stratified":
        return {holdout: STRATIFIED}

    trained = [parse_month(month) for month in record.training_months]
    rows = connection.execute(
        f"select distinct features_month from {portfolio.name}.churn_labels at (version => "
        f"{snapshot}) "
        "where features_month > ? and features_month < ? order by features_month",
        [max(trained), holdout],
    ).fetchall()
    splits = dict.fromkeys(trained, TRAIN)
    for (month,) in rows:
        splits[month] = VALIDATION

    splits[holdout] = HOLDOUT
    return splits
