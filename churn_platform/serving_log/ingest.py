"""Moves closed segments of the prediction log into the lake, each exactly once.

The rows of a segment and its line in the ledger are one transaction; the file goes only afterwards. A run that is
killed in between leaves a file that the ledger knows, and the next run removes it.
"""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from churn_platform.errors import DataError
from churn_platform.ingest.suppression import suppressed_among
from churn_platform.published.files import sha256
from churn_platform.published.prediction_log import CLOSED_SUFFIX, load_segment
from churn_platform.serving_log.rows import read_segments
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.tables import ensure_table, table_exists, write

TRANSACTION_BYTES = 64 << 20  # of segments, so that memory stays bounded however long nobody ingested
TORN_DIR = "torn"

LOG_COLUMNS = {
    "month": "date",
    "predicted_at": "timestamp",
    "request_id": "varchar",
    "item": "integer",
    "customer_id": "varchar",
    "model_version": "integer",
    "arm": "varchar",
    "churn_probability": "double",
    "risk_tier": "varchar",
    "features": "float[]",
    "features_month": "varchar",
    "missing_features": "varchar[]",
    "latency_ms": "double",
    "segment": "varchar",
}
LEDGER_COLUMNS = {
    "month": "date",
    "segment": "varchar",
    "sha256": "varchar",
    "opened_at": "timestamp",
    "predictions": "bigint",
    "torn_bytes": "bigint",
}


@dataclass(frozen=True)
class Ingested:
    """What was moved, and how many segments had half a record at their end."""

    segments: int
    predictions: int
    torn: int


def log_table(portfolio: str) -> str:
    """`schema.table` of a portfolio's answers."""
    return f"{portfolio}.serving_log"


def ledger_table(portfolio: str) -> str:
    """`schema.table` of the segments whose answers are in the log's table."""
    return f"{portfolio}.serving_log_segments"


def ingest_segments(connection: duckdb.DuckDBPyConnection, lake: Lake, portfolio: str, folder: Path) -> Ingested:
    """Move every closed segment of the folder into the lake and remove its file. May be called at any time, by anyone.

    The connection has its keys set. Answers on erased customers are left out. A segment with half a record at its end
    goes to a folder `torn` beside it instead, unless it names an erased customer. DataError where a file cannot be
    read, is of another portfolio, or has the name of an ingested one and other contents; it stays then.
    """
    tables = {log_table(portfolio): LOG_COLUMNS, ledger_table(portfolio): LEDGER_COLUMNS}
    if not all(table_exists(connection, table) for table in tables):
        write(connection, lake, partial(_ensure, connection, tables))
    if not folder.is_dir():
        return Ingested(0, 0, 0)
    with _alone(folder):
        moved = [
            _ingest_group(connection, lake, portfolio, paths)
            for paths in _groups(sorted(folder.glob(f"*{CLOSED_SUFFIX}")))
        ]
    return Ingested(
        sum(part.segments for part in moved), sum(part.predictions for part in moved), sum(part.torn for part in moved)
    )


def _ensure(connection: duckdb.DuckDBPyConnection, tables: dict[str, dict[str, str]]) -> None:
    for table, columns in tables.items():
        ensure_table(connection, table, columns)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One ingesting process at a time, also where the catalog takes several writers."""
    with (folder / ".ingest.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _groups(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Segments that go into one transaction."""
    group: list[Path] = []
    size = 0
    for path in paths:
        size += path.stat().st_size
        if group and size > TRANSACTION_BYTES:
            yield group
            group, size = [], path.stat().st_size
        group.append(path)
    if group:
        yield group


def _ingest_group(connection: duckdb.DuckDBPyConnection, lake: Lake, portfolio: str, paths: list[Path]) -> Ingested:
    recorded = _recorded(connection, portfolio, paths)
    fresh = [path for path in paths if path not in recorded]
    ledger, answers = read_segments(portfolio, fresh)
    answers = _without_erased(connection, portfolio, answers)
    if fresh:
        insert = partial(_insert, connection, portfolio, ledger, answers)
        write(connection, lake, insert, note=f"{portfolio}: {len(fresh)} segments of the prediction log")
    torn_bytes = recorded | dict(zip(fresh, ledger["torn_bytes"].to_pylist(), strict=True))
    for path in paths:
        is_torn = torn_bytes[path] > 0
        _put_away(path, keep=is_torn and not _names_erased(connection, portfolio, path))
    return Ingested(len(fresh), len(answers), sum(torn_bytes[path] > 0 for path in fresh))


def _without_erased(connection: duckdb.DuckDBPyConnection, portfolio: str, answers: pa.Table) -> pa.Table:
    """The answers without those on erased customers: a later request must not bring them back."""
    ids = answers["customer_id"].drop_null().unique()
    erased = suppressed_among(connection, portfolio, ids.to_pylist())
    if not erased:
        return answers
    is_erased = pc.is_in(answers["customer_id"], pa.array(sorted(erased), pa.string()))
    return answers.filter(pc.invert(is_erased))


def _recorded(connection: duckdb.DuckDBPyConnection, portfolio: str, paths: Sequence[Path]) -> dict[Path, int]:
    """Torn bytes of those segments that the ledger knows already."""
    query = f"select segment, sha256, torn_bytes from {ledger_table(portfolio)} where list_contains(?, segment)"
    known = {name: rest for name, *rest in connection.execute(query, [[path.name for path in paths]]).fetchall()}
    for path in paths:
        if path.name in known and known[path.name][0] != sha256(path):
            raise DataError(
                f"{path}: a segment of that name with other contents was ingested before; "
                "rename it, and give every worker of every host a name of its own"
            )
    return {path: known[path.name][1] for path in paths if path.name in known}


def _insert(connection: duckdb.DuckDBPyConnection, portfolio: str, ledger: pa.Table, answers: pa.Table) -> None:
    for table, rows, time in (
        (log_table(portfolio), answers, "predicted_at"),
        (ledger_table(portfolio), ledger, "opened_at"),
    ):
        connection.register("ingested", rows)
        connection.execute(
            f"insert into {table} by name select *, date_trunc('month', {time})::date as month from ingested"
        )
        connection.unregister("ingested")


def _names_erased(connection: duckdb.DuckDBPyConnection, portfolio: str, path: Path) -> bool:
    """Whether a whole record of the segment is on an erased customer."""
    ids = {item.customer_id for item in load_segment(path).predictions if item.customer_id is not None}
    return bool(suppressed_among(connection, portfolio, ids))


def _put_away(path: Path, *, keep: bool) -> None:
    if keep:
        (path.parent / TORN_DIR).mkdir(exist_ok=True)
        path.replace(path.parent / TORN_DIR / path.name)
    else:
        path.unlink()
