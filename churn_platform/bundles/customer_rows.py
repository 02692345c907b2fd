"""Reads a scored month from the lake as the rows of the online features."""

from collections.abc import Iterator
from datetime import date

import duckdb

from churn_platform.errors import PublicationError
from churn_platform.months import label
from churn_platform.own_features.feature_months import as_built
from churn_platform.portfolios.encoding import encoded_columns, matrix
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.format import pack_customer
from churn_platform.warehouse.lake import stream
from churn_platform.warehouse.tables import table_exists


def scoring_versions(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> list[int]:
    """The model versions that scored the month: none where it was not scored."""
    table = f"{portfolio.name}.monthly_scores"
    if not table_exists(connection, table):
        return []

    query = f"select distinct model_version from {table} where month = ? order by model_version"
    return [row[0] for row in connection.execute(query, [month]).fetchall()]


def scored_by(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> int:
    """The model version that scored the month; PublicationError if it was not scored, or by
    several.
    """
    versions = scoring_versions(connection, portfolio, month)
    if len(versions) != 1:
        raise PublicationError(
            f"{portfolio.name} {label(month)} is scored by {len(versions)} versions; "
            f"materialize {portfolio.name}/monthly_scores for it first"
        )

    return versions[0]


def packed_customers(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    version: int,
    *,
    batch_rows: int,
) -> Iterator[tuple[str, bytes]]:
    """Customer id and packed customer of the month, ordered by id in bytes; features and scores
    join one to one.

    PublicationError if the scores are another version's, as after a run that scored the month
    again meanwhile.
    """
    portfolio = as_built(connection, portfolio, month)
    query = f"""
        select customer_id, churn_probability, reasons, model_version,
            {encoded_columns(portfolio.features)}
        from {portfolio.name}.customer_features as features
        join {portfolio.name}.monthly_scores as scores using (customer_id, month)
        where features.month = ?
        order by customer_id
    """
    for batch in stream(connection, query, [month], batch_rows=batch_rows):
        # Checked in each batch: a run may replace the scores while they are read.
        if others := set(batch.column("model_version").unique().to_pylist()) - {version}:
            raise PublicationError(
                f"{portfolio.name} {label(month)} was scored by version {max(others)} while "
                f"version {version}'s scores "
                f"were published; materialize {portfolio.name}/published_features for it again"
            )
        features = matrix(batch, portfolio.feature_names)
        scores = zip(
            batch.column("customer_id").to_pylist(),
            batch.column("churn_probability").to_pylist(),
            batch.column("reasons").to_pylist(),
            strict=True,
        )
        for row, (customer_id, probability, reasons) in enumerate(scores):
            yield customer_id, pack_customer(features[row], probability, reasons)
