"""A run whose process is killed does not hold up those that follow."""

import subprocess
import sys
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRunStatus

from churn_platform.graph.liveness import GONE, alive, end_dead_runs, is_over
from churn_platform.graph.sensors.dead_runs_sensor import dead_runs_sensor
from churn_platform.settings import load_settings

POOL = """
concurrency:
  pools: {granularity: op, default_limit: 1}
telemetry: {enabled: false}
"""
KILLED = """
import os, signal
from dagster import DagsterInstance, job, op
from churn_platform.graph.liveness import in_process_executor

@op(pool="warehouse")
def dies():
    os.kill(os.getpid(), signal.SIGKILL)

@job(executor_def=in_process_executor)
def deadly():
    dies()

if __name__ == "__main__":
    from dagster import execute_job, reconstructable
    execute_job(reconstructable(deadly), instance=DagsterInstance.get())
"""


@pytest.fixture
def instance(tmp_path, monkeypatch):
    """A Dagster instance on disk with a pool of one, on which a run was killed while it held its
    place.
    """
    (tmp_path / "dagster.yaml").write_text(POOL)
    (tmp_path / "killed.py").write_text(KILLED)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with DagsterInstance.get() as instance:
        yield instance


def kill_a_run(folder: Path) -> None:
    """Execute a job whose process kills itself."""
    ended = subprocess.run(
        [sys.executable, "killed.py"], cwd=folder, capture_output=True, timeout=120
    )
    assert ended.returncode == -9


def places(instance: DagsterInstance) -> list[str]:
    """Runs that hold a place in the pool."""
    return [
        slot.run_id
        for slot in instance.event_log_storage.get_concurrency_info("warehouse").claimed_slots
    ]


def test_a_killed_run_is_ended_and_gives_its_place_back(instance, tmp_path):
    """It fails with the reason, once; the pool is free for the next."""
    kill_a_run(tmp_path)
    (run,) = instance.get_runs()
    assert (run.status, places(instance)) == (DagsterRunStatus.STARTED, [run.run_id])
    assert is_over(instance, run.run_id)
    assert end_dead_runs(instance) == [run.run_id]
    assert instance.get_run_by_id(run.run_id).status == DagsterRunStatus.FAILURE
    assert GONE in [entry.message for entry in instance.all_logs(run.run_id)]
    assert places(instance) == []
    assert end_dead_runs(instance) == []


def test_a_run_that_executes_or_is_elsewhere_is_left_alone(instance, tmp_path):
    """Whoever holds the lock is alive; without a lock file nobody can tell. What was ended by hand
    still gives way.
    """
    kill_a_run(tmp_path)
    (run,) = instance.get_runs()
    (lock,) = Path(instance.storage_directory()).glob("alive/*.lock")
    with alive(instance, run.run_id):
        assert end_dead_runs(instance) == []
    assert not lock.exists()
    assert end_dead_runs(instance) == []
    assert places(instance) == [run.run_id]
    instance.report_run_canceled(run)
    assert end_dead_runs(instance) == []
    assert places(instance) == []


def test_the_daemon_looks_for_dead_runs(instance, tmp_path):
    """The sensor ends them and says so."""
    from dagster import build_sensor_context

    look = dead_runs_sensor(load_settings(data_dir=tmp_path / "data"))
    kill_a_run(tmp_path)
    (run,) = instance.get_runs()
    assert look(build_sensor_context(instance=instance)).skip_message == f"ended: {run.run_id}"
    assert "alive" in look(build_sensor_context(instance=instance)).skip_message
