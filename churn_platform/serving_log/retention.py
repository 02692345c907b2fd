"""Lets go of answers after their time. Only what the lake has taken over can go: a waiting segment is never touched.

The ledger of segments stays for good, so that one which comes back from a backup is not taken for new.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import duckdb

from churn_platform.erasure.snapshots import note_expired
from churn_platform.published.prediction_log import CLOSED_SUFFIX, opened_at_us
from churn_platform.serving_log.ingest import TORN_DIR, log_table
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.purge import CATALOG, Purged, purge
from churn_platform.warehouse.tables import write


def forget_answers(
    connection: duckdb.DuckDBPyConnection, lake: Lake, portfolio: str, folder: Path, *, before: date
) -> int:
    """Remove the answers of the months before `before`, and torn segments opened before it; the number of answers.

    Time travel still sees the rows, until `purge_answers`.
    """
    old = f"from {log_table(portfolio)} where month < ?"
    (count,) = connection.execute(f"select count(*) {old}", [before]).fetchone()  # type: ignore[misc]
    if count:
        delete = partial(connection.execute, f"delete {old}", [before])
        write(connection, lake, delete, note=f"{portfolio}: answers before {before} are forgotten")
    for path in (folder / TORN_DIR).glob(f"*{CLOSED_SUFFIX}"):
        if datetime.fromtimestamp(opened_at_us(path) / 1e6, UTC).date() < before:
            path.unlink()
    return count


def purge_answers(lake: Lake, portfolio: str, *, month: date) -> Purged:
    """Remove the files of forgotten answers from the disk, with every snapshot that sees one.

    What was recorded on such a snapshot, as the training rows of a model, cannot be read again; `month`, the current
    one, is noted for whoever asks why.
    """

    def note(connection: duckdb.DuckDBPyConnection, snapshots: Sequence[int]) -> None:
        note_expired(connection, month, snapshots)

    return purge(lake, partial(_forgotten_files, portfolio), note)


def _forgotten_files(portfolio: str, connection: duckdb.DuckDBPyConnection) -> list[Path]:
    """Files of the log's table that no current row lies in."""
    rows = connection.execute(
        f"""
        select files.path from {CATALOG}.ducklake_data_file files
        join {CATALOG}.ducklake_table using (table_id)
        join {CATALOG}.ducklake_schema using (schema_id)
        where schema_name = ? and table_name = 'serving_log' and files.end_snapshot is not null
        """,
        [portfolio],
    ).fetchall()
    return [Path(path) for (path,) in rows]
