"""Samples of a month: a fixed number of customers, chosen by a hash of their id, the same ones in
every month.
"""

from datetime import date

import duckdb
import numpy as np

from churn_platform.months import label, parse_month
from churn_platform.own_features.feature_months import as_built
from churn_platform.portfolios.encoding import encoded_columns, matrix
from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.training_data import Labelled, load_labelled
from churn_platform.warehouse.tables import table_exists

HASHES = 1_000_000  # as `load_labelled` counts them


def labelled_sample(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    features_month: date,
    *,
    rows: int,
    snapshot: int,
) -> Labelled:
    """About `rows` labelled customers of a feature month, all of them where there are fewer.

    Values outside the catalogue's ranges are kept: outcomes tell whether the model copes with them.
    """
    table = f"{portfolio.name}.churn_labels at (version => {snapshot})"
    share = _share(connection, table, "features_month", features_month, rows)
    return load_labelled(
        connection,
        portfolio,
        features_month,
        snapshot=snapshot,
        share=share,
        validated=False,
    )


def sample_features(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, *, rows: int
) -> np.ndarray:
    """Encoded features of about `rows` customers of a month, (rows, features); no rows where there
    are none.

    Values outside the catalogue's ranges are kept: they are what drift is about.
    """
    table = f"{portfolio.name}.customer_features"
    if not table_exists(connection, table):
        return np.empty((0, len(portfolio.features)), dtype=np.float32)

    share = _share(connection, table, "month", month, rows)
    columns = encoded_columns(as_built(connection, portfolio, month).features)
    found = connection.execute(
        f"select {columns} from {table} "
        # By hash, not at random: the same customers in every month, so drift is not sampling noise.
        f"where month = ? and hash(customer_id) % {HASHES} < ? order by customer_id",
        [month, share * HASHES],
    ).to_arrow_table()
    return matrix(found, portfolio.feature_names)


def answered_from(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, *, version: int
) -> date | None:
    """The month of features that was live for most of the version's answers in a month; None if
    there are none.
    """
    table = f"{portfolio.name}.serving_log"
    if not table_exists(connection, table):
        return None

    query = f"select mode(features_month) from {table} where month = ? and model_version = ?"
    row = connection.execute(query, [month, version]).fetchone()
    if row and row[0]:
        return parse_month(row[0])

    return None


def sample_requests(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    *,
    version: int,
    features_month: date,
    rows: int,
) -> np.ndarray:
    """Features of about `rows` requests that the version answered in a month while `features_month`
    was live.

    As logged: encoded, in the version's own order.
    """
    found = connection.execute(
        f"select features from {portfolio.name}.serving_log "
        "where month = ? and model_version = ? and features_month = ? and features is not null "
        "order by hash(request_id, item) limit ?",
        [month, version, label(features_month), rows],
    ).fetchall()
    # An absent value is None, which numpy reads as NaN.
    return np.array([values for (values,) in found], dtype=np.float32)


def _share(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, month: date, rows: int
) -> float:
    """The share of a month's rows that makes `rows`, at most 1."""
    counted = connection.execute(
        f"select count(*) from {table} where {column} = ?", [month]
    ).fetchone()
    return min(1.0, rows / max(counted[0] if counted else 0, 1))
