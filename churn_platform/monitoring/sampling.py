"""Samples of a month: a fixed number of customers, chosen by a hash of their id, the same ones in every month."""

from datetime import date

import duckdb
import numpy as np

from churn_platform.portfolios.encoding import encoded_columns, matrix
from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.data import Labelled, load_labelled
from churn_platform.warehouse.tables import table_exists

HASHES = 1_000_000  # as `load_labelled` counts them


def labelled_sample(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, features_month: date, *, rows: int, snapshot: int
) -> Labelled:
    """About `rows` labelled customers of a feature month, all of them where there are fewer."""
    table = f"{portfolio.name}.churn_labels at (version => {snapshot})"
    share = _share(connection, table, "features_month", features_month, rows)
    return load_labelled(connection, portfolio, features_month, snapshot=snapshot, share=share)


def sample_features(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, *, rows: int
) -> np.ndarray:
    """Encoded features of about `rows` customers of a month, (rows, features); no rows where there are none.

    Values outside the catalogue's ranges are kept: they are what drift is about.
    """
    table = f"{portfolio.name}.customer_features"
    if not table_exists(connection, table):
        return np.empty((0, len(portfolio.features)), dtype=np.float32)
    share = _share(connection, table, "month", month, rows)
    found = connection.execute(
        f"select {encoded_columns(portfolio.features)} from {table} "
        f"where month = ? and hash(customer_id) % {HASHES} < ? order by customer_id",
        [month, share * HASHES],
    ).to_arrow_table()
    return matrix(found, portfolio.feature_names)


def sample_requests(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, *, version: int, rows: int
) -> np.ndarray:
    """Features of about `rows` requests that the version answered in a month, as logged: encoded, in its own order."""
    table = f"{portfolio.name}.serving_log"
    if not table_exists(connection, table):
        return np.empty((0, 0), dtype=np.float32)
    found = connection.execute(
        f"select features from {table} where month = ? and model_version = ? and features is not null "
        "order by hash(request_id, item) limit ?",
        [month, version, rows],
    ).fetchall()
    return np.array([[np.nan if value is None else value for value in row] for (row,) in found], dtype=np.float32)


def _share(connection: duckdb.DuckDBPyConnection, table: str, column: str, month: date, rows: int) -> float:
    """The share of a month's rows that makes `rows`, at most 1."""
    counted = connection.execute(f"select count(*) from {table} where {column} = ?", [month]).fetchone()
    return min(1.0, rows / max(counted[0] if counted else 0, 1))
