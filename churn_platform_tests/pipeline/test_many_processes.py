"""While one process writes, others read the warehouse, run dbt and open the UI, without a lock
error.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from churn_platform.simulator import SimulationConfig, simulate
from churn_platform_tests.support.graph_runs import HASH_KEY, Graph
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.ports import free_ports

FIRST, LAST = date(2025, 1, 1), date(2025, 2, 1)
ROOT = Path(__file__).parents[2]
WRITE = """
import sys
from datetime import date
from pathlib import Path
from churn_platform_tests.support.graph_runs import Graph
Graph(Path(sys.argv[1])).run("telecomit_features", date(2025, 1, 1), date(2025, 2, 1))
"""
READ = """
import sys, time
from contextlib import closing
from pathlib import Path
from churn_platform.settings import load_settings
from churn_platform.warehouse.lake import Lake, connect
lake = Lake.of(load_settings(data_dir=Path(sys.argv[1])))
seen = set()
while not Path(sys.argv[2]).exists():
    time.sleep(0.05)  # leaves the cores to the others
    with closing(connect(lake, read_only=True)) as connection:
        seen |= set(connection.execute(
            "select month, count(*) from telecomit_raw.cdr group by month "
            "union all select month, count(*) from telecomit.customer_features group by month"
        ).fetchall())
print(len(seen))
"""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """Two months of a small operator."""
    made = Graph(tmp_path_factory.mktemp("shared"))
    config = SimulationConfig(customers=500, months=2, seed=1, calls_per_customer=10)
    simulate(config, made.settings.landing_dir, made.settings.truth_dir)
    made.run("telecomit_features", FIRST, LAST)
    return made


def environment(graph: Graph, home: Path) -> dict[str, str]:
    """The environment in which other processes find the same warehouse."""
    own = {
        "CHURN_DATA_DIR": str(graph.folder),
        "CHURN_PHONE_HASH_KEY": HASH_KEY,
        "CHURN_DUCKDB_THREADS": "1",  # as in the writer, so that dbt knows the connection
        "DAGSTER_HOME": str(home),
    }
    return os.environ | own


@contextmanager
def running(command: list[str], **options) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended with the block, whatever happens in it."""
    process = subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def asset_count(port: int, patience: float) -> int:
    """Assets that the webserver shows, once it answers."""
    query = json.dumps({"query": "{assetNodes{id}}"}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", query, {"Content-Type": "application/json"}
    )
    deadline = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return len(json.load(answer)["data"]["assetNodes"])
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


@invariant("Time and data", "Readers, dbt and the UI work while a run writes.")
def test_readers_dbt_and_ui_work_while_a_run_writes(graph: Graph, tmp_path: Path) -> None:
    """A reading process sees whole months only, dbt by hand succeeds, the UI shows the graph, and
    the writer too.
    """
    stop = tmp_path / "stop"
    (tmp_path / "home").mkdir()
    shared = environment(graph, tmp_path / "home")
    (port,) = free_ports(1)
    webserver = [
        sys.executable,
        "-m",
        "dagster_webserver",
        "-m",
        "churn_platform.definitions",
        "-p",
        str(port),
    ]
    by_hand = [
        sys.executable,
        "-m",
        "churn_platform.cli",
        "dbt",
        "build",
        "--select",
        "stg_customers",
        "customer_months",
    ]
    months = ["--event-time-start", "2025-01-01", "--event-time-end", "2025-03-01"]
    with (
        running([sys.executable, "-c", WRITE, str(graph.folder)], env=shared) as writer,
        running([sys.executable, "-c", READ, str(graph.folder), str(stop)], env=shared) as reader,
        running([*webserver, "-h", "127.0.0.1"], env=shared, start_new_session=True),
    ):
        with running([*by_hand, *months], env=shared) as dbt:
            assert asset_count(port, patience=120) == len(list(graph.defs.resolve_all_asset_keys()))
            told, _ = dbt.communicate(timeout=300)
        assert dbt.returncode == 0, told
        written, _ = writer.communicate(timeout=300)
        assert writer.returncode == 0, written
        stop.touch()
        seen, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0, seen
    assert seen.strip() == "4", "two months of two tables have one size each, whatever the moment"
