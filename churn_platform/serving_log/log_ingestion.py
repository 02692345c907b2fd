"""Moves closed segments of a log into the lake, each exactly once: of the service's answers, or of
what agents recorded on the page.

The rows of a segment and its line in the ledger are one transaction; the file goes only afterwards.
A run that is killed in between leaves a file that the ledger knows, and the next run removes it.
"""

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from churn_platform.errors import DataError
from churn_platform.ingest.recorded_outcomes import OUTCOME_COLUMNS, OUTCOMES_TABLE
from churn_platform.ingest.suppression import suppressed_among
from churn_platform.months import zone_offsets
from churn_platform.published.outcome_log import OUTCOMES
from churn_platform.published.prediction_log import (
    CLOSED_SUFFIX,
    PREDICTIONS,
    LogFormat,
    load_segment,
)
from churn_platform.published.regular_files import file_sha256
from churn_platform.serving_log.answer_rows import (
    ToRows,
    answer_rows,
    outcome_rows,
    read_segments,
)
from churn_platform.sql import local_time
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.tables import ensure_table, read_columns, table_exists, write

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
    "experiment": "varchar",
    "experiment_arm": "varchar",
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
class IngestedLog:
    """A log and its table in the lake.

    at: the column that says when a record was made. key: the columns that make it unique.
    """

    format: LogFormat[Any]
    table: str
    columns: Mapping[str, str]
    to_rows: ToRows
    at: str
    key: tuple[str, ...]

    def tables(self, portfolio: str) -> dict[str, Mapping[str, str]]:
        """The log's table and its ledger, with their columns."""
        rows = f"{portfolio}.{self.table}"
        return {rows: self.columns, f"{rows}_segments": LEDGER_COLUMNS}


ANSWERS = IngestedLog(
    PREDICTIONS, "serving_log", LOG_COLUMNS, answer_rows, "predicted_at", ("request_id", "item")
)
RECORDED = IngestedLog(
    OUTCOMES, OUTCOMES_TABLE, OUTCOME_COLUMNS, outcome_rows, "recorded_at", ("outcome_id",)
)
Then = Callable[[set[Any]], object]
"""What else the transaction does, told the months of the new records."""


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


def ingest_segments(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    portfolio: str,
    folder: Path,
    log: IngestedLog = ANSWERS,
    then: Then = lambda months: None,
    *,
    timezone: str = "UTC",
) -> Ingested:
    """Move every closed segment of the folder into the lake and remove its file. May be called at
    any time, by anyone. `then` is part of each transaction. Records belong to the months of
    `timezone`, that of the portfolio.

    The connection has its keys set. Answers on erased customers are left out. A segment with half a
    record at its end goes to a folder `torn` beside it instead, a damaged one to a folder
    `damaged`, unless it names an erased customer. An answer that the lake has is not inserted
    again, so a damaged segment may come back whole. DataError if a file cannot be read, is of
    another portfolio, or has the name of a sound ingested one and other contents; it stays then.
    """
    tables = log.tables(portfolio)
    are_ready = all(_is_ready(connection, table, columns) for table, columns in tables.items())
    if not are_ready:
        write(connection, lake, partial(_ensure, connection, tables))

    moved = Ingested(0, 0, 0)
    if not folder.is_dir():
        return moved

    with _alone(folder):
        closed = sorted(folder.glob(f"*{CLOSED_SUFFIX}"))
        for paths in _groups(closed):
            part = _ingest_group(connection, lake, portfolio, paths, log, then, timezone)
            moved = Ingested(
                segments=moved.segments + part.segments,
                predictions=moved.predictions + part.predictions,
                torn=moved.torn + part.torn,
                damaged=moved.damaged + part.damaged,
            )

    return moved


def check_damaged(folder: Path, log: IngestedLog = ANSWERS) -> None:
    """DataError as long as a damaged segment waits for a person: answers in it are lost or can be
    restored.
    """
    damaged = sorted((folder / DAMAGED_DIR).glob(f"*{CLOSED_SUFFIX}"))
    if not damaged:
        return

    first = damaged[0]
    places = load_segment(first, log.format).damage
    at = ", ".join(f"{spot.offset} ({len(spot.content)} bytes)" for spot in places) or "its end"
    raise DataError(
        f"{len(damaged)} segments of a log are damaged; {first} at byte {at}. "
        "Every readable record "
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
    return set(columns).issubset(read_columns(connection, table))


def _ensure(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Mapping[str, str]]) -> None:
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
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    portfolio: str,
    paths: list[Path],
    log: IngestedLog,
    then: Then,
    timezone: str,
) -> Ingested:
    # Exactly once by a ledger of segments, not by request ids: rows and ledger are one transaction,
    # the file goes afterwards. A run that is killed in between finds the file in the ledger.
    recorded = _recorded(connection, portfolio, paths, log)
    fresh = [path for path in paths if path not in recorded]
    ledger, answers = read_segments(portfolio, fresh, log.format, log.to_rows)
    answers = _without_erased(connection, portfolio, answers)

    inserted = 0
    if fresh:
        insert = partial(_insert, connection, portfolio, ledger, answers, log, then, timezone)
        note = f"{portfolio}: {len(fresh)} segments for {log.table}"
        inserted = write(connection, lake, insert, note=note)

    torn = ledger["torn_bytes"].to_pylist()
    damaged = ledger["damaged_bytes"].to_pylist()
    lost = recorded | dict(zip(fresh, map(Lost, torn, damaged), strict=True))
    for path in paths:
        _put_away(path, lost[path], names_erased=partial(_names_erased, connection, portfolio, log))

    return Ingested(
        segments=len(fresh),
        predictions=inserted,
        torn=sum(map(bool, torn)),
        damaged=sum(map(bool, damaged)),
    )


def _without_erased(
    connection: duckdb.DuckDBPyConnection, portfolio: str, answers: pa.Table
) -> pa.Table:
    """The answers without those on erased customers."""
    # A later request must not bring an erased customer back.
    customers = answers["customer_id"]
    ids = customers.drop_null().unique().to_pylist()
    erased = suppressed_among(connection, portfolio, ids)
    if not erased:
        return answers

    erased_ids = pa.array(sorted(erased), pa.string())
    is_erased = pc.is_in(customers, erased_ids)
    return answers.filter(pc.invert(is_erased))


def _recorded(
    connection: duckdb.DuckDBPyConnection,
    portfolio: str,
    paths: Sequence[Path],
    log: IngestedLog,
) -> dict[Path, Lost]:
    """What is lost of those segments that the ledger knows already, as they are now.

    A damaged one that comes back with other contents is not among them: it was restored.
    """
    _, ledger = log.tables(portfolio)
    query = (
        "select segment, sha256, torn_bytes, coalesce(damaged_bytes, 0) "
        f"from {ledger} where list_contains(?, segment)"
    )
    path_of = {path.name: path for path in paths}
    rows = connection.execute(query, [list(path_of)]).fetchall()

    recorded = {}
    for name, digest, torn_bytes, damaged_bytes in rows:
        path = path_of[name]
        if digest == file_sha256(path):
            recorded[path] = Lost(torn_bytes, damaged_bytes)
        elif not damaged_bytes:
            raise DataError(
                f"{path}: a segment of that name with other contents was ingested before; "
                "rename it, and give every worker of every host a name of its own"
            )

    return recorded


def _insert(
    connection: duckdb.DuckDBPyConnection,
    portfolio: str,
    ledger: pa.Table,
    answers: pa.Table,
    log: IngestedLog,
    then: Then,
    timezone: str,
) -> int:
    """Insert the answers that the lake lacks, and the ledger's lines in place of older ones; the
    number of answers.
    """
    table, lines = log.tables(portfolio)
    month = _month_sql(log.at, timezone)
    key = ", ".join(log.key)
    names = ledger["segment"].to_pylist()
    connection.execute(f"delete from {lines} where list_contains(?, segment)", [names])
    connection.register("ingested", ledger)
    connection.execute(
        f"insert into {lines} by name "
        f"select *, {_month_sql('opened_at', timezone)} as month from ingested"
    )
    connection.unregister("ingested")
    connection.register("ingested", answers)
    counted = connection.execute(
        f"""
        insert into {table} by name
        with dated as (
          select *, {month} as month
          from ingested
          qualify row_number() over (partition by {key} order by {log.at}) = 1
        )
        select dated.*
        from dated
        anti join (
          select {key} from {table}
          -- A month more on both sides: the zone may have been another one then.
          where month between (select min(month) - interval 1 month from dated)
            and (select max(month) + interval 1 month from dated)
        ) as present using ({key})
        """
    ).fetchone()
    months = connection.execute(f"select distinct {month} from ingested").fetchall()
    then({each for (each,) in months})
    connection.unregister("ingested")
    return counted[0] if counted else 0


def _month_sql(instant: str, timezone: str) -> str:
    """SQL for the month of an instant, as the operator counts months."""
    # Landed tables are cut by the operator's clock, and what is recorded in the last hours of a
    # month has to meet the rows of the same evening there.
    on_clock = local_time(instant, timezone, zone_offsets(timezone))
    return f"date_trunc('month', {on_clock})::date"


def _names_erased(
    connection: duckdb.DuckDBPyConnection, portfolio: str, log: IngestedLog, path: Path
) -> bool:
    """Whether a whole record of the segment is on an erased customer."""
    ids = set()
    for item in load_segment(path, log.format).records:
        if item.customer_id is not None:
            ids.add(item.customer_id)

    return bool(suppressed_among(connection, portfolio, ids))


def _put_away(path: Path, lost: Lost, *, names_erased: Callable[[Path], bool]) -> None:
    """Remove what is whole in the lake; keep what is not, unless it names an erased customer."""
    damaged_dir = path.parent / DAMAGED_DIR
    torn_dir = path.parent / TORN_DIR
    is_whole = not lost.damaged and not lost.torn
    if is_whole or names_erased(path):
        path.unlink()
    else:
        kept_in = damaged_dir if lost.damaged else torn_dir
        kept_in.mkdir(exist_ok=True)
        path.replace(kept_in / path.name)

    if not lost.damaged:
        # It may be a damaged one that came back whole.
        (damaged_dir / path.name).unlink(missing_ok=True)
