"""The graph with its lake on Postgres and S3 beside the same in a folder: `make hosts-check`."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest
from dagster import DagsterInstance

from churn_platform.errors import StoreUnreachableError
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform.storage.opening import open_store
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import write
from churn_platform_tests.pipeline.state import state_of
from churn_platform_tests.support.graph_runs import Graph
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.s3_server import SECRET_KEY, S3Server
from churn_platform_tests.support.variables import as_variables

pytestmark = pytest.mark.slow
FIRST, LAST = date(2025, 1, 1), date(2025, 8, 1)
PASSWORD = "hidden-password-of-the-catalog"
QUICK_SECONDS = 60


@dataclass(frozen=True)
class Pair:
    """The same operator twice: in a folder, and with the lake on Postgres and S3."""

    folder: Graph
    hosts: Graph
    home: Path
    """Dagster's storage of the second."""
    shown: list[str]
    """What a user saw of the second."""


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, postgres: str, s3_server: S3Server
) -> Iterator[Pair]:
    """6,000 customers over 8 months, from files to a scored month, on both."""
    folder = Graph(tmp_path_factory.mktemp("folder"), tuning_trials=0)
    config = SimulationConfig(customers=6_000, months=8, seed=3, calls_per_customer=10)
    simulate(config, folder.settings.landing_dir, folder.settings.truth_dir / "telecomit")
    home = tmp_path_factory.mktemp("dagster")
    run(folder, home / "folder")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in as_variables(s3_server.overrides()).items():
            patch.setenv(name, value)
        patch.setenv("CHURN_LAKE_DATA_PATH", s3_server.new_url())
        patch.setenv("CHURN_CATALOG", f"{postgres} password='{PASSWORD}'")
        patch.setenv("PGPASSWORD", "")  # what the platform sets ends with the test
        hosts = Graph(tmp_path_factory.mktemp("hosts"), tuning_trials=0)
        for name in ("landing", "truth"):
            shutil.copytree(folder.settings.root / name, hosts.settings.root / name)
        yield Pair(folder, hosts, home / "hosts", run(hosts, home / "hosts"))


def run(graph: Graph, home: Path) -> list[str]:
    """The jobs of a month on a Dagster instance in `home`; what a user sees."""
    home.mkdir()
    with DagsterInstance.local_temp(str(home)) as instance:
        lines = graph.run_on(instance, "telecomit_features", FIRST, LAST)
        lines += graph.run_on(instance, "telecomit_training", LAST, LAST)
        return lines + graph.run_on(instance, "telecomit_scores", LAST, LAST)


@invariant("Time and data", "A lake on Postgres and S3 holds what one in a folder holds.")
def test_a_month_on_postgres_and_s3_equals_that_in_a_folder(pair: Pair) -> None:
    """Tables, registered versions, decisions, bundles and lists; dbt made the features."""
    ours, theirs = (state_of(graph.settings, "telecomit") for graph in (pair.folder, pair.hosts))
    assert ours.keys() == theirs.keys()
    for state in (ours, theirs):
        # The page's figures name the run and the second in which the champion changed.
        for key in [key for key in state["published"] if "/page/" in key]:
            del state["published"][key]
    for name, content in ours.items():
        assert content == theirs[name], name
    assert pair.hosts.query("select count(*) from telecomit.monthly_scores")[0][0] > 1_000
    assert not (pair.hosts.folder / "lake").exists()
    assert not (pair.hosts.folder / "catalog.sqlite").exists()


@invariant("Care", "No file that a run leaves holds a password or a key of the lake.")
def test_a_run_leaves_no_secret(pair: Pair) -> None:
    """Neither messages, metadata, run configuration, events and outputs in Dagster's storage, nor
    dbt's files, MLflow's or any other; nor what a user sees.
    """
    folders = (pair.hosts.folder, pair.home)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 100
    assert any(b"telecomit_scores" in path.read_bytes() for path in files)
    secrets = (SECRET_KEY.encode(), PASSWORD.encode())
    showing = [path for path in files if any(secret in path.read_bytes() for secret in secrets)]
    assert showing == []
    assert not [line for line in pair.shown if SECRET_KEY in line or PASSWORD in line]


@contextmanager
def frozen(server: S3Server) -> Iterator[None]:
    """The server stops within, and goes on after."""
    os.kill(server.process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process, signal.SIGCONT)


def test_a_store_that_is_frozen_is_told_and_goes_on(pair: Pair, s3_server: S3Server) -> None:
    """Reading, writing and a listing each end with the one error; the month stays as it was, and
    the same connection goes on once the store is back.
    """
    lake = pair.hosts.lake
    before = pair.hosts.query("select count(*) from telecomit.monthly_scores")
    insert = "insert into telecomit.monthly_scores from telecomit.monthly_scores"
    with closing(connect(lake)) as connection:

        def add() -> None:
            connection.execute(insert)

        with frozen(s3_server):
            for call in (
                lambda: write(connection, lake, add),
                lambda: list(open_store(lake.files, lake.store, setting="X").list()),
            ):
                assert_unreachable(call, lake.files)
        assert (
            connection.execute("select count(*) from telecomit.monthly_scores").fetchall() == before
        )
        write(connection, lake, add)
        write(connection, lake, lambda: drop_half(connection))
        assert (
            connection.execute("select count(*) from telecomit.monthly_scores").fetchall() == before
        )


def assert_unreachable(call: Callable[[], object], place: str) -> None:
    """The call ends in bounded time, and its error names the place."""
    begin = time.monotonic()
    with pytest.raises(StoreUnreachableError, match="CHURN_STORE_ENDPOINT") as told:
        call()
    assert place in str(told.value)
    assert time.monotonic() - begin < QUICK_SECONDS


def drop_half(connection: duckdb.DuckDBPyConnection) -> None:
    """Take back what was added: each customer once."""
    connection.execute(
        "create temp table once as select distinct on (month, customer_id) * "
        "from telecomit.monthly_scores"
    )
    connection.execute("delete from telecomit.monthly_scores")
    connection.execute("insert into telecomit.monthly_scores by name from once")
