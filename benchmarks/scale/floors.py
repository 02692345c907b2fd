"""The floors: what DuckDB, Arrow and the booster take to read and write the same, and do nothing
else.

    python -m benchmarks.scale.floors features FOLDER

prints seconds by the clock and of the CPU as JSON. Inputs are the very Parquet files that the stage
reads, results those that it wrote.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from benchmarks.scale.world import NEWEST, portfolio, settings_of
from churn_platform.months import label, shift
from churn_platform.portfolios.encoding import encoded_columns, matrix
from churn_platform.settings import Settings
from churn_platform.sql import literal, read_parquet
from churn_platform.warehouse.lake import Lake, connect

EVENTS = {
    "stg_transactions": 1,
    "stg_cdr": 1,
    "stg_support_tickets": 3,
    "stg_app_usage": 1,
    "stg_customers": 1,
}
UNREAD = {
    "transaction_id",
    "transaction_type",
    "record_id",
    "ticket_id",
    "session_id",
    "status",
    "month",
}
SCORES = {
    "monthly_scores": ("customer_id", "churn_probability", "risk_tier", "reasons", "model_version")
}
Connection = duckdb.DuckDBPyConnection


class Clock:
    """Adds up seconds, by the clock and of all threads, of the blocks that it times."""

    def __init__(self) -> None:
        self.wall_s = self.cpu_s = 0.0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        begun, worked = time.perf_counter(), time.process_time()
        yield
        self.wall_s += time.perf_counter() - begun
        self.cpu_s += time.process_time() - worked


def floor(stage: str, folder: Path) -> dict[str, float]:
    """Seconds of the floor of a stage of the newest month, the second time: the
    first one warms up.
    """
    settings = settings_of(folder)
    with (
        closing(connect(Lake.of(settings), read_only=True)) as connection,
        tempfile.TemporaryDirectory(dir=folder) as to,
    ):
        for _ in range(2):
            clock = Clock()
            FLOORS[stage](connection, settings, clock, Path(to) / "floor.parquet")
    return {"wall_s": clock.wall_s, "cpu_s": clock.cpu_s}


def ingest(connection: Connection, settings: Settings, clock: Clock, to: Path) -> None:
    """Each landed file copied to Parquet."""
    for path in sorted((settings.landing_dir / "telecomit").glob(f"*/{label(NEWEST)}.parquet")):
        with clock():
            connection.execute(f"copy (select * from {read_parquet(path)}) to {literal(to)}")


def features(connection: Connection, settings: Settings, clock: Clock, to: Path) -> None:
    """The event columns that features are made of, of the months that they reach back to; the
    finished table.
    """
    for table, months in EVENTS.items():
        described = connection.execute(f"describe telecomit_staging.{table}").fetchall()
        columns = [row[0] for row in described if row[0] not in UNREAD]
        scan(
            connection,
            clock,
            f"telecomit_staging.{table}",
            columns,
            first=shift(NEWEST, 1 - months),
        )
    write(connection, clock, to, "customer_features", "churn_labels")


def scoring(connection: Connection, settings: Settings, clock: Clock, to: Path) -> None:
    """`inplace_predict` on an array in memory, and the finished table."""
    from churn_platform.graph.resources.tracking import Tracking
    from churn_platform.scoring.champion_model import load_champion

    spec = portfolio()
    query = (
        f"select {encoded_columns(spec.features)} from telecomit.customer_features where month = ?"
    )
    rows = connection.execute(query, [NEWEST]).to_arrow_table()
    customers = np.ascontiguousarray(matrix(rows, spec.feature_names))
    booster = load_champion(Tracking.of(settings).client(), spec).model.estimator.get_booster()
    booster.set_param({"nthread": settings.model_threads})
    with clock():
        booster.inplace_predict(customers)
    write(connection, clock, to, "monthly_scores")


def contact_list(connection: Connection, settings: Settings, clock: Clock, to: Path) -> None:
    """Scores, and who must not be contacted; the finished list."""
    scan_all(connection, clock, SCORES)
    scan(
        connection,
        clock,
        "telecomit_raw.contact_preferences",
        ["customer_id", "is_opted_out", "is_ineligible"],
    )
    write(connection, clock, to, "contact_list")


def publication(connection: Connection, settings: Settings, clock: Clock, to: Path) -> None:
    """Features, scores and reasons; written as they are."""
    scan_all(
        connection,
        clock,
        {"customer_features": ("*",), "monthly_scores": ("customer_id", "reasons")},
    )
    query = f"""
        select features.*, churn_probability, reasons
        from telecomit.customer_features as features
        join telecomit.monthly_scores as scores using (customer_id)
        where features.month = date '{NEWEST}' and scores.month = date '{NEWEST}'
    """
    copy(connection, query, clock, to)


def monitoring(connection: Connection, settings: Settings, clock: Clock, to: Path) -> None:
    """Features of the month, labels and scores of the one before; what is written is small."""
    before = shift(NEWEST, -1)
    scan(connection, clock, "telecomit.customer_features", ["*"])
    scan(connection, clock, "telecomit.churn_labels", ["customer_id", "churned"])
    scan(
        connection,
        clock,
        "telecomit.monthly_scores",
        ["customer_id", "churn_probability"],
        first=before,
        last=before,
    )


FLOORS = {
    "ingest": ingest,
    "features": features,
    "scoring": scoring,
    "contact list": contact_list,
    "publication": publication,
    "monitoring": monitoring,
}


def scan_all(connection: Connection, clock: Clock, tables: Mapping[str, tuple[str, ...]]) -> None:
    """Scan columns of several tables of the newest month."""
    for table, columns in tables.items():
        scan(connection, clock, f"telecomit.{table}", columns)


def scan(
    connection: Connection,
    clock: Clock,
    table: str,
    columns: list[str] | tuple[str, ...],
    *,
    first: date = NEWEST,
    last: date = NEWEST,
) -> None:
    """Read every value: hashes of whole rows cannot be answered from
    statistics, and cost little.
    """
    hashes = ", ".join(
        f"bit_xor(hash({'columns(*)' if column == '*' else column}))" for column in columns
    )
    with clock():
        connection.execute(
            f"select {hashes} from {table} where month between ? and ?", [first, last]
        ).fetchall()


def write(connection: Connection, clock: Clock, to: Path, *tables: str) -> None:
    """Write the newest month of tables, held in memory, to Parquet."""
    for table in tables:
        copy(
            connection, f"select * from telecomit.{table} where month = date '{NEWEST}'", clock, to
        )


def copy(connection: Connection, query: str, clock: Clock, to: Path) -> None:
    """Write a query's result, held in memory beforehand, to Parquet."""
    connection.execute(f"create or replace temp table result as {query}")
    with clock():
        connection.execute(f"copy result to {literal(to)}")


if __name__ == "__main__":
    print(json.dumps(floor(sys.argv[1], Path(sys.argv[2]))))
