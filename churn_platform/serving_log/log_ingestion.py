"""Moves closed segments of the prediction log into the lake, each exactly once.

The rows of a segment and its line in the ledger are one transaction; the file goes only afterwards.
A run that is killed in between leaves a file that the ledger knows, and the next run removes it.
"""

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from churn_platform.errors import DataError
from churn_platform.ingest.suppression import suppressed_among
from churn_platform.published.prediction_log import CLOSED_SUFFIX, load_segment
from churn_platform.published.regular_files import file_sha256
from churn_platform.serving_log.answer_rows import read_segments
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.tables import ensure_table, table_exists, write

TRANSACTION_BYTES = (
    64 << 20
)  # of segments, so that memory stays bounded however long no one ingested
TORN_DIR = "torn"
DAMAGED_DIR = "damaged"

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
    "damaged_bytes": "bigint",
}


@dataclass(frozen=True)
class Ingested:
    """What was moved; how many segments had half a record at their end, and how
    many were damaged.
    """

    segments: int
    predictions: int
    torn: int
    damaged: int = 0


class Lost(NamedTuple):
    """Bytes of a segment that are no whole record: at its end, and with records behind them."""

    torn: int
    damaged: int


def log_table(portfolio: str) -> str:
    """`schema.table` of a portfolio's answers."""
    return f"{portfolio}.serving_log"


def ledger_table(portfolio: str) -> str:
    """`schema.table` of the segments whose answers are in the log's table."""
    return f"{portfolio}.serving_log_segments"


def ingest_segments(
    connection: duckdb.DuckDBPyConnection, lake: Lake, portfolio: str, folder: Path
) -> Ingested:
    """Move every closed segment of the folder into the lake and remove its file. May be called at
    any time, by anyone.

    The connection has its keys set. Answers on erased customers are left out. A segment with half a
    record at its end goes to a folder `torn` beside it instead, a damaged one to a folder
    `damaged`, unless it names an erased customer. An answer that the lake has is not inserted
    again, so a damaged segment may come back whole. DataError if a file cannot be read, is of
    another portfolio, or has the name of a sound ingested one and other contents; it stays then.
    """
    tables = {log_table(portfolio): LOG_COLUMNS, ledger_table(portfolio): LEDGER_COLUMNS}
    if not all(_is_ready(connection, table, columns) for table, columns in tables.items()):
        write(connection, lake, partial(_ensure, connection, tables))
    if not folder.is_dir():
        return Ingested(0, 0, 0)
    with _alone(folder):
        moved = [
            _ingest_group(connection, lake, portfolio, paths)
            for paths in _groups(sorted(folder.glob(f"*{CLOSED_SUFFIX}")))
        ]
    return Ingested(
        segments=sum(part.segments for part in moved),
        predictions=sum(part.predictions for part in moved),
        torn=sum(part.torn for part in moved),
        damaged=sum(part.damaged for part in moved),
    )


def check_damaged(folder: Path) -> None:
    """DataError as long as a damaged segment waits for a person: answers in it are lost or can be
    restored.
    """
    damaged = sorted((folder / DAMAGED_DIR).glob(f"*{CLOSED_SUFFIX}"))
    if not damaged:
        return
    first = damaged[0]
    places = load_segment(first).damage
    at = ", ".join(f"{spot.offset} ({len(spot.content)} bytes)" for spot in places) or "its end"
    raise DataError(
        f"{len(damaged)} segments of the prediction log are damaged; {first} at byte {at}. "
        "Every readable answer "
        f"is in the lake. Put the whole file back as {folder / first.name} from a back-up "
        "and ingest again, "
        f"or accept the loss and remove {first}"
    )


def _is_ready(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]
) -> bool:
    """Whether a table is there with every column; one of an earlier version may lack some."""
    if not table_exists(connection, table):
        return False
    there = connection.execute(f"select * from {table} limit 0").description
    return set(columns) <= {name for name, *_ in there or ()}


def _ensure(connection: duckdb.DuckDBPyConnection, tables: dict[str, dict[str, str]]) -> None:
    for table, columns in tables.items():
        ensure_table(connection, table, columns)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One ingesting process at a time, also where the catalog takes several writers."""
    with (folder / ".ingest.lock").open("w") as file:
        # An asset and a command may ingest at once; each segment must go into one transaction only.
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


def _ingest_group(
    connection: duckdb.DuckDBPyConnection, lake: Lake, portfolio: str, paths: list[Path]
) -> Ingested:
    # Exactly once by a ledger of segments, not by request ids: rows and ledger are one transaction,
    # the file goes afterwards. A run that is killed in between finds the file in the ledger.
    recorded = _recorded(connection, portfolio, paths)
    fresh = [path for path in paths if path not in recorded]
    ledger, answers = read_segments(portfolio, fresh)
    answers = _without_erased(connection, portfolio, answers)
    inserted = 0
    if fresh:
        insert = partial(_insert, connection, portfolio, ledger, answers)
        note = f"{portfolio}: {len(fresh)} segments of the prediction log"
        inserted = write(connection, lake, insert, note=note)
    lost = recorded | {
        path: Lost(torn, damaged)
        for path, torn, damaged in zip(
            fresh,
            ledger["torn_bytes"].to_pylist(),
            ledger["damaged_bytes"].to_pylist(),
            strict=True,
        )
    }
    for path in paths:
        _put_away(path, lost[path], names_erased=partial(_names_erased, connection, portfolio))
    return Ingested(
        segments=len(fresh),
        predictions=inserted,
        torn=sum(lost[path].torn > 0 for path in fresh),
        damaged=sum(lost[path].damaged > 0 for path in fresh),
    )


def _without_erased(
    connection: duckdb.DuckDBPyConnection, portfolio: str, answers: pa.Table
) -> pa.Table:
    """The answers without those on erased customers: a later request must not bring them back."""
    ids = answers["customer_id"].drop_null().unique()
    erased = suppressed_among(connection, portfolio, ids.to_pylist())
    if not erased:
        return answers
    is_erased = pc.is_in(answers["customer_id"], pa.array(sorted(erased), pa.string()))
    return answers.filter(pc.invert(is_erased))


def _recorded(
    connection: duckdb.DuckDBPyConnection, portfolio: str, paths: Sequence[Path]
) -> dict[Path, Lost]:
    """What is lost of those segments that the ledger knows already, as they are now.

    A damaged one that comes back with other contents is not among them: it was restored.
    """
    query = (
        "select segment, sha256, torn_bytes, coalesce(damaged_bytes, 0) "
        f"from {ledger_table(portfolio)} where list_contains(?, segment)"
    )
    rows = connection.execute(query, [[path.name for path in paths]]).fetchall()
    known = {name: (digest, Lost(torn, damaged)) for name, digest, torn, damaged in rows}
    recorded = {}
    for path in paths:
        if path.name not in known:
            continue
        digest, lost = known[path.name]
        if digest == file_sha256(path):
            recorded[path] = lost
        elif not lost.damaged:
            raise DataError(
                f"{path}: a segment of that name with other contents was ingested before; "
                "rename it, and give every worker of every host a name of its own"
            )
    return recorded


def _insert(
    connection: duckdb.DuckDBPyConnection, portfolio: str, ledger: pa.Table, answers: pa.Table
) -> int:
    """Insert the answers that the lake lacks, and the ledger's lines in place of older ones; the
    number of answers.
    """
    log, lines = log_table(portfolio), ledger_table(portfolio)
    names = ledger["segment"].to_pylist()
    connection.execute(f"delete from {lines} where list_contains(?, segment)", [names])
    connection.register("ingested", ledger)
    connection.execute(
        f"insert into {lines} by name select *, date_trunc('month', "
        "opened_at)::date as month from ingested"
    )
    connection.unregister("ingested")
    connection.register("ingested", answers)
    counted = connection.execute(
        f"""
        insert into {log} by name
        with dated as (
          select *, date_trunc('month', predicted_at)::date as month
          from ingested
          qualify row_number() over (partition by request_id, item order by predicted_at) = 1
        )
        select dated.*
        from dated
        anti join (
          select request_id, item from {log} where month in (select distinct month from dated)
        ) as present using (request_id, item)
        """
    ).fetchone()
    connection.unregister("ingested")
    return counted[0] if counted else 0


def _names_erased(connection: duckdb.DuckDBPyConnection, portfolio: str, path: Path) -> bool:
    """Whether a whole record of the segment is on an erased customer."""
    ids = {
        item.customer_id for item in load_segment(path).predictions if item.customer_id is not None
    }
    return bool(suppressed_among(connection, portfolio, ids))


def _put_away(path: Path, lost: Lost, *, names_erased: Callable[[Path], bool]) -> None:
    """Remove what is whole in the lake; keep what is not, unless it names an erased customer."""
    restored = path.parent / DAMAGED_DIR / path.name
    target = path.parent / (DAMAGED_DIR if lost.damaged else TORN_DIR) / path.name
    if (lost.damaged or lost.torn) and not names_erased(path):
        target.parent.mkdir(exist_ok=True)
        path.replace(target)
    else:
        path.unlink()
    if not lost.damaged:
        restored.unlink(missing_ok=True)
