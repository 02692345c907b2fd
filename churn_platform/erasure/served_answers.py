"""The logs of service and page: what is closed goes into the lake, where the rows can be erased as
any others.
"""

import duckdb

from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.erasure.search import find
from churn_platform.portfolios.spec import Portfolio
from churn_platform.serving_log.log_ingestion import DAMAGED_DIR, TORN_DIR, ingest_segments
from churn_platform.serving_log.outcome_ingestion import ingest_outcomes
from churn_platform.settings import Settings
from churn_platform.warehouse.lake import Lake


def take_over(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    portfolio: Portfolio,
    settings: Settings,
    subject: ErasedCustomer,
) -> None:
    """Ingest every closed segment, and remove torn and damaged ones that name the subject, in
    any bytes.

    A segment that a worker is writing stays; it is closed within a minute.
    """
    # Whole answers are in the lake then, a torn one was never sent, and a damaged one cannot be
    # read.
    answers = settings.serving_log_dir / portfolio.name
    outcomes = settings.outcome_log_dir / portfolio.name
    if answers.is_dir():
        ingest_segments(connection, lake, portfolio.name, answers, timezone=portfolio.timezone)

    if outcomes.is_dir():
        ingest_outcomes(connection, lake, portfolio, outcomes)

    for folder in (answers, outcomes):
        for kept in (TORN_DIR, DAMAGED_DIR):
            for path in find(connection, sorted((folder / kept).glob("*")), subject):
                path.unlink()
