"""Lets go of answers after their time. Only what the lake has taken over can go: a waiting segment
is never touched.

The ledger of segments stays for good, so that one which comes back from a backup is not taken for
new.
"""

from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import duckdb

from churn_platform.published.prediction_log import CLOSED_SUFFIX, opened_at_us
from churn_platform.serving_log.log_ingestion import DAMAGED_DIR, TORN_DIR, log_table
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.tables import write


def forget_answers(
    connection: duckdb.DuckDBPyConnection, lake: Lake, portfolio: str, folder: Path, *, before: date
) -> int:
    """Remove the answers of months before `before`, and torn or damaged segments opened before it.

    Returns the number of answers.

    Time travel still sees the rows, until housekeeping lets go of the snapshots that hold them.
    """
    old = f"from {log_table(portfolio)} where month < ?"
    (count,) = connection.execute(f"select count(*) {old}", [before]).fetchone()  # type: ignore[misc]
    if count:
        delete = partial(connection.execute, f"delete {old}", [before])
        write(connection, lake, delete, note=f"{portfolio}: answers before {before} are forgotten")

    for kept in (TORN_DIR, DAMAGED_DIR):
        for path in (folder / kept).glob(f"*{CLOSED_SUFFIX}"):
            opened_at_s = opened_at_us(path) / 1e6
            opened_at = datetime.fromtimestamp(opened_at_s, UTC)
            if opened_at.date() < before:
                path.unlink()

    return count
