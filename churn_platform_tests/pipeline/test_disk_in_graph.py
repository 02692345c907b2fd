"""A disk that is full under what dbt, MLflow and Dagster write: `make drills-check`."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date

import pytest
from dagster import AssetKey, DagsterInstance

from churn_platform.errors import ChurnError
from churn_platform.graph.failure_advice import advice
from churn_platform.graph.liveness import end_dead_runs
from churn_platform.graph.runs import run_job
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform.warehouse.damage import find_damage
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.lake_files import lake_files
from churn_platform_tests.support.checksums import checksums
from churn_platform_tests.support.graph_runs import Graph, blank_pictures
from churn_platform_tests.support.small_disk import LEFT_BYTES, Disk, mounted

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a tmpfs"),
]
FIRST, LAST = date(2025, 1, 1), date(2025, 5, 1)
CUSTOMERS, CALLS = 2_000, 5
CANDIDATE = AssetKey(["telecomit", "logistic_regression"])


@dataclass(frozen=True)
class Stages:
    """A graph whose data folder is on a small disk, up to its training set."""

    disk: Disk
    graph: Graph
    instance: DagsterInstance

    def run(self, job: str, *only: AssetKey, instance: DagsterInstance | None = None) -> str:
        """Run assets of a job, all without any named; what a user sees, errors too."""
        lines: list[str] = []
        try:
            with blank_pictures():
                run_job(
                    self.graph.defs,
                    instance or self.instance,
                    f"telecomit_{job}",
                    FIRST if job == "features" else LAST,
                    LAST,
                    log=self.graph.folder.parent / f"{job}.log",
                    show=lines.append,
                    only=only or None,
                )
        except ChurnError as error:
            return "\n".join([*lines, f"failed: {error}"])
        return "\n".join(lines)

    def damage(self) -> list:
        """What is damaged in the lake."""
        with closing(connect(self.graph.lake, read_only=True)) as connection:
            return find_damage(self.graph.lake, lake_files(connection, self.graph.lake))


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    """Dagster's history is on another disk."""
    folder = tmp_path_factory.mktemp("disk_in_graph")
    (folder / "home").mkdir()
    with (
        mounted(folder / "disk") as disk,
        DagsterInstance.local_temp(str(folder / "home")) as instance,
    ):
        graph = Graph(disk.folder / "data", tuning_trials=0)
        config = SimulationConfig(customers=CUSTOMERS, months=5, seed=3, calls_per_customer=CALLS)
        simulate(config, graph.settings.landing_dir, folder / "truth")
        made = Stages(disk, graph, instance)
        made.run("features")
        made.run("training", AssetKey(["telecomit", "training_set"]))
        yield made


@contextmanager
def nothing_lost(stages: Stages) -> Iterator[None]:
    """Within it nothing in the lake changes or is damaged."""
    before = checksums(stages.graph.lake, "telecomit_raw", "telecomit")
    yield
    assert checksums(stages.graph.lake, "telecomit_raw", "telecomit") == before
    assert stages.damage() == []


def assert_told(stages: Stages, run: Callable[[], str], left_bytes: int = LEFT_BYTES) -> None:
    """With a full disk the run fails, and a person is told which disk it is; with space the same
    run does not fail.
    """
    with stages.disk.full(left_bytes):
        told = run()
        assert "failed: " in told
        helps = advice(ChurnError(told), stages.graph.settings)
    assert helps is not None, told
    assert f"the disk mounted at {stages.disk.folder} is full" in helps
    assert "failed: " not in run()


def test_dbt_is_told_and_goes_on(stages: Stages) -> None:
    """The features of before stay whole; the same run makes them again."""
    job = stages.graph.defs.resolve_job_def("telecomit_features")
    keys = job.asset_layer.selected_asset_keys
    made = [key for key in keys if key.path[0] != "telecomit_raw"]
    with nothing_lost(stages):
        assert_told(stages, lambda: stages.run("features", *made))


def test_mlflow_is_told_and_goes_on(stages: Stages) -> None:
    """A candidate whose run cannot be kept is none; the same run fits it again."""
    with nothing_lost(stages):
        assert_told(stages, lambda: stages.run("training", CANDIDATE), left_bytes=0)


def test_dagster_is_told_and_goes_on(stages: Stages, disk: Disk) -> None:
    """Its history is on a disk that fills up, and the lake on one that does not; the run that could
    not be kept is ended by the next.
    """
    (disk.folder / "home").mkdir()
    with DagsterInstance.local_temp(str(disk.folder / "home")) as instance:

        def run() -> object:
            return stages.run("training", CANDIDATE, instance=instance)

        with nothing_lost(stages):
            disk.refuses(run, left_bytes=0)
            assert "failed: " not in run()
            end_dead_runs(instance)
            assert [run.job_name for run in instance.get_runs() if not run.is_finished] == []
