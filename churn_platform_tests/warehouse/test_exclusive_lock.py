"""What is made on first use is made once: whoever comes meanwhile waits until it is whole."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from dagster import DagsterInstance

from churn_platform.errors import WarehouseBusyError, WarehouseError
from churn_platform.graph import runs
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.warehouse import exclusive_lock
from churn_platform.warehouse.exclusive_lock import one_maker
from churn_platform.warehouse.lake import connect

ROOT = Path(__file__).parents[2]


class Maker:
    """Stands for what opens a store: remembers whether two were ever inside at once."""

    def __init__(self) -> None:
        self.alone = threading.Lock()
        self.overlaps = 0
        self.calls = 0

    def __call__(self, *_: object) -> None:
        if not self.alone.acquire(blocking=False):
            self.overlaps += 1
            return
        threading.Event().wait(
            0.02
        )  # gives the others time to come in, where nothing keeps them out
        self.calls += 1
        self.alone.release()


def at_once(use) -> None:
    """Call `use` in three threads together."""
    barrier = threading.Barrier(3)

    def run() -> None:
        barrier.wait()
        use()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_one_makes_the_tracking_store_and_others_wait(tmp_path, monkeypatch):
    """Clients of MLflow, which make and migrate its tables, are made one after another."""
    import mlflow

    maker = Maker()
    monkeypatch.setattr(mlflow, "MlflowClient", maker)
    monkeypatch.setattr(mlflow, "set_tracking_uri", lambda _: None)
    store = Tracking(
        tracking_uri=f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}", artifact_location="file:///none"
    )
    at_once(store.client)
    assert (maker.calls, maker.overlaps) == (3, 0)


def test_one_makes_dagsters_store_and_others_wait(tmp_path, monkeypatch):
    """Instances of Dagster, which make and migrate its tables, are opened one after another."""
    maker = Maker()
    (tmp_path / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setattr(DagsterInstance, "get", maker)
    at_once(lambda: runs.dagster_instance(tmp_path))
    assert (maker.calls, maker.overlaps) == (3, 0)


def test_a_catalog_that_is_being_made_is_no_warehouse_yet(lake):
    """A reader of a file without tables is told so; a writer makes them."""
    lake.sqlite_path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(lake.sqlite_path)) as half:
        half.execute("pragma journal_mode = wal")
    with pytest.raises(WarehouseError, match="no warehouse at"):
        connect(lake, read_only=True)
    connect(lake).close()
    connect(lake, read_only=True).close()


def test_a_maker_that_never_ends_is_named(tmp_path, monkeypatch):
    """After the bounded wait the error names what is being made, where, and what to do."""
    monkeypatch.setattr(exclusive_lock, "MAKING_SECONDS", 0.05)
    message = (
        r"the store at .*/made has been opened or made by .* "
        r"for more than 0\.05 s; wait for it to end"
    )
    with (
        one_maker(tmp_path / "made", what="the store"),
        pytest.raises(WarehouseBusyError, match=message),
        one_maker(tmp_path / "made", what="the store"),
    ):
        pass
