"""A daemon that is killed in a run, with all that it has started: `make drills-check`."""

import signal
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from dagster import DagsterEventType, DagsterRun, DagsterRunStatus

from churn_platform.graph.run_requests import BECAUSE_TAG
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform_tests.pipeline.daemon_loop import Loop
from churn_platform_tests.support.checksums import checksums
from churn_platform_tests.support.graph_runs import Graph
from churn_platform_tests.support.waiting import eventually

pytestmark = pytest.mark.slow
FIRST, LAST = date(2025, 1, 1), date(2025, 2, 1)
CUSTOMERS, CALLS = 300, 5
WORLD, STEP = "quiet", "telecomit__dbt_models"
TOO_LONG_SECONDS = 1_800


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    """Two months of a small operator, too few to train on."""
    loop = Loop(tmp_path)
    config = SimulationConfig(customers=CUSTOMERS, months=2, seed=3, calls_per_customer=CALLS)
    simulate(config, loop.worlds / WORLD, tmp_path / "truth")
    try:
        yield loop
    finally:
        loop.stop(signal.SIGKILL)
        loop.server.shutdown()
        loop.instance.dispose()


def has_begun(loop: Loop, step: str) -> bool:
    """Whether a run of the daemon is in this step."""
    begun = set()
    for run in loop.all_runs():
        logs = loop.instance.all_logs(run.run_id, of_type=DagsterEventType.STEP_START)
        begun |= {event.step_key for event in logs}
    return step in begun


def runs(loop: Loop) -> list[DagsterRun]:
    """Those that make features, oldest first."""
    return [run for run in loop.all_runs() if run.job_name == "telecomit_features"]


def test_a_daemon_killed_in_a_run_goes_on_by_itself(loop: Loop, tmp_path: Path) -> None:
    """Once it is started again the dead run is ended and asked for again, and the tables are those
    of an undisturbed run.
    """
    loop.deliver(WORLD, FIRST, LAST)
    loop.start()
    eventually(lambda: has_begun(loop, STEP), TOO_LONG_SECONDS, look_every_seconds=0.5)
    loop.stop(signal.SIGKILL)
    (killed,) = runs(loop)
    assert not killed.is_finished

    loop.start()
    loop.wait(lambda: loop.runs("features") == [(FIRST, LAST)], "the months taken in")
    first, again = runs(loop)
    assert first.run_id == killed.run_id
    assert first.status == DagsterRunStatus.FAILURE
    print(f"\n{STEP} was killed; asked for again because of: {again.tags[BECAUSE_TAG]}")

    undisturbed = Graph(tmp_path / "undisturbed")
    simulate(
        SimulationConfig(customers=CUSTOMERS, months=2, seed=3, calls_per_customer=CALLS),
        undisturbed.settings.landing_dir,
        tmp_path / "truth_again",
    )
    undisturbed.run("telecomit_features", FIRST, LAST)
    schemas = ("telecomit_raw", "telecomit")
    assert checksums(loop.graph.lake, *schemas) == checksums(undisturbed.lake, *schemas)
