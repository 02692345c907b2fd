"""The service's prediction log: what is closed goes into the lake, where the rows can be erased as
any others.
"""

from pathlib import Path

import duckdb

from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.erasure.search import find
from churn_platform.serving_log.log_ingestion import DAMAGED_DIR, TORN_DIR, ingest_segments
from churn_platform.warehouse.lake import Lake


def take_over(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    portfolio: str,
    log_dir: Path,
    subject: ErasedCustomer,
) -> None:
    """Ingest every closed segment, and remove torn and damaged ones that name the subject, in
    any bytes.

    Whole answers are in the lake then, a torn one was never sent, and a damaged one cannot be read.

    A segment that a worker is writing stays; it is closed within the service's own limit of a
    minute.
    """
    folder = log_dir / portfolio
    if not folder.is_dir():
        return
    ingest_segments(connection, lake, portfolio, folder)
    for kept in (TORN_DIR, DAMAGED_DIR):
        for path in find(connection, sorted((folder / kept).glob("*")), subject):
            path.unlink()
