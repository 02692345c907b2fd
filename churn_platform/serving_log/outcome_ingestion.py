"""Takes over what agents recorded on the page, by the same ledger as the service's answers."""

from functools import partial
from pathlib import Path

import duckdb

from churn_platform.ingest.recorded_outcomes import join_recorded
from churn_platform.portfolios.spec import Portfolio
from churn_platform.serving_log.log_ingestion import RECORDED, Ingested, ingest_segments
from churn_platform.warehouse.lake import Lake


def ingest_outcomes(
    connection: duckdb.DuckDBPyConnection, lake: Lake, portfolio: Portfolio, folder: Path
) -> Ingested:
    """Move every closed segment of recorded outcomes into the lake, and the outcomes into the
    contacts and preferences of their months, in one transaction.

    The connection has its keys set. DataError as for the service's answers.
    """
    join = partial(_join_months, connection, portfolio)
    return ingest_segments(
        connection,
        lake,
        portfolio.name,
        folder,
        RECORDED,
        join,
        timezone=portfolio.timezone,
    )


def _join_months(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, months: set) -> None:
    for month in sorted(months):
        join_recorded(connection, portfolio, month)
