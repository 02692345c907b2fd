"""How long a backfill of raw to features takes as one Dagster run, and what share of it is not SQL.

    python benchmarks/backfill.py --customers 20000 --months 18

SQL is what DuckDB spends in queries: timed around every query of ingest, and as dbt logs it for its
models and tests. The floor is the same landed columns read once by a bare DuckDB scan.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from unittest import mock

import duckdb
from dagster import DagsterInstance

from churn_platform.definitions import build_defs
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.graph.runs import run_job
from churn_platform.months import shift
from churn_platform.settings import load_settings
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform.sql import literal, reader_pattern

FIRST = date(2025, 1, 1)


class Timed:
    """A connection that adds up the seconds of its queries."""

    seconds = 0.0

    def __init__(self, connection: duckdb.DuckDBPyConnection):
        self.connection = connection

    def __getattr__(self, name: str):
        return getattr(self.connection, name)

    def execute(self, *arguments):
        begun = time.perf_counter()
        try:
            return self.connection.execute(*arguments)
        finally:
            Timed.seconds += time.perf_counter() - begun


def measure(folder: Path, customers: int, months: int) -> dict[str, float]:
    """Seconds of the run, of ingest's SQL, of dbt's SQL, and of a bare scan of the landed files."""
    settings = load_settings(data_dir=folder)
    config = SimulationConfig(customers=customers, months=months, seed=1)
    simulate(config, settings.landing_dir, settings.truth_dir)
    defs = build_defs(data_dir=folder)
    open_connection = Warehouse.get_connection

    @contextmanager
    def timed(self: Warehouse, *, read_only: bool = False) -> Iterator[Timed]:
        with open_connection(self, read_only=read_only) as connection:
            yield Timed(connection)

    begun = time.perf_counter()
    with (
        DagsterInstance.ephemeral() as instance,
        mock.patch.object(Warehouse, "get_connection", timed),
    ):
        last = shift(FIRST, months - 1)
        run_job(defs, instance, "telecomit_features", FIRST, last, log=folder / "log", show=print)
    return {
        "run": time.perf_counter() - begun,
        "ingest SQL": Timed.seconds,
        "dbt SQL": dbt_seconds(settings.root / "dbt_target" / "telecomit"),
        "bare scan": scan_seconds(settings.landing_dir),
    }


def dbt_seconds(target: Path) -> float:
    """Seconds of queries in the log of the one dbt invocation of the run."""
    (log,) = target.glob("dbt_models-*/dbt.log")
    return sum(
        float(found)
        for found in re.findall(r"SQL status: .* in ([0-9.]+) seconds", log.read_text())
    )


def scan_seconds(landing_dir: Path) -> float:
    """Seconds to read every column of every landed file once."""
    begun = time.perf_counter()
    for table in sorted((landing_dir / "telecomit").iterdir()):
        files = literal(f"{reader_pattern(table)}/*.parquet")
        duckdb.sql(f"select max(columns(*)) from read_parquet({files})").fetchall()
    return time.perf_counter() - begun


def main() -> None:
    """Print the figures and the share outside SQL."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--months", type=int, default=18)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds = measure(Path(folder), arguments.customers, arguments.months)
    outside = seconds["run"] - seconds["ingest SQL"] - seconds["dbt SQL"]
    print(f"\n{arguments.customers:,} customers, {arguments.months} months, one run")
    for name, value in (seconds | {"outside SQL": outside}).items():
        print(
            f"  {name:<12}{value:8.1f} "
            f"s{value / seconds['run']:8.0%}{value / seconds['bare scan']:8.1f} x bare scan"
        )


if __name__ == "__main__":
    main()
