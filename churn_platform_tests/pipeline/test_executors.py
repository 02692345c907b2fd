"""A month on each executor is the month of the run's own process, also where the process of a step
or a node of Ray is killed. `make executors-check` runs it.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from churn_platform.months import shift
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform_tests.pipeline.killable import Installation, preload, run_stage
from churn_platform_tests.pipeline.state import State, differences
from churn_platform_tests.support.ports import free_ports

PORTFOLIO, FIRST, LAST = "acme", date(2025, 1, 1), date(2025, 5, 1)
# As TelecomIT, with gates for the small operator that it is.
SPEC = {
    "name": PORTFOLIO,
    "title": "Acme",
    "kind": "events",
    "recipe": "telecomit",
    "candidates": ["xgboost"],
    "gates": {"min_auc": 0.5, "min_recall": 0.1},
    "tables": [
        {"name": name}
        for name in ("customers", "transactions", "cdr", "support_tickets", "app_usage")
    ],
}
STAGES = ("features", "scores", "monitoring")
# A step of each stage whose process is killed while it works.
KILLED = {
    "acme_raw__cdr": "features",
    "acme__dbt_models": "features",
    "acme__monthly_scores": "scores",
    "acme__published_features": "scores",
    "acme__feature_drift": "monitoring",
}
job = partial(run_stage, PORTFOLIO)


def month(installation: Installation) -> float:
    """Run the newest month; returns the seconds."""
    seconds = 0.0
    for stage in STAGES:
        seconds += installation.complete(partial(job, stage, LAST, LAST))
    return seconds


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A small operator with a champion, before its newest month."""
    preload()
    made = Installation(tmp_path_factory.mktemp("executors"))
    settings = made.settings
    settings.portfolios_dir.mkdir(parents=True)
    (settings.portfolios_dir / f"{PORTFOLIO}.yaml").write_text(yaml.safe_dump(SPEC))
    config = SimulationConfig(customers=2_000, months=5, seed=3, calls_per_customer=5)
    simulate(config, settings.landing_dir, settings.truth_dir)
    (settings.landing_dir / "telecomit").rename(settings.landing_dir / PORTFOLIO)
    made.complete(partial(job, "features", FIRST, shift(LAST, -1)))
    made.complete(partial(job, "training", shift(LAST, -1), shift(LAST, -1)))
    made.keep("before")
    return made


@pytest.fixture(scope="module")
def undisturbed(installation: Installation) -> State:
    """The month in the run's own process."""
    print(f"in process: {month(installation):.0f} s", flush=True)
    return installation.found(PORTFOLIO)


def again(installation: Installation, **variables: str) -> Installation:
    """The installation before the month once more, for runs with other settings."""
    installation.bring_back("before")
    installation.keep("before")
    return Installation(installation.folder, variables)


@pytest.mark.slow
def test_a_month_in_processes_of_its_own_is_the_same(
    installation: Installation, undisturbed: State
) -> None:
    """Tables, published files and the trail equal those of the run in one process."""
    beside = again(installation, CHURN_EXECUTOR="multiprocess")
    print(f"multiprocess: {month(beside):.0f} s", flush=True)
    assert differences(beside.found(PORTFOLIO), undisturbed) == []


@pytest.mark.slow
def test_a_step_whose_process_is_killed_runs_again(
    installation: Installation, undisturbed: State
) -> None:
    """A kill in each stage, and the run completes by itself, with the same rows."""
    beside = again(installation, CHURN_EXECUTOR="multiprocess")
    killed: dict[str, float] = {}
    for stage in STAGES:
        begun = time.monotonic()
        child = beside.start(partial(job, stage, LAST, LAST))
        ended = (0, 0)
        while ended == (0, 0):
            workers = beside.metadata_of_last_command("STEP_WORKER_STARTED", "pid")
            begun_steps = beside.steps_of_last_command()
            for step in (KILLED.keys() & begun_steps.keys() & workers.keys()) - killed.keys():
                os.kill(int(workers[step]), signal.SIGKILL)
                killed[step] = time.monotonic() - begun
            time.sleep(0.02)
            ended = os.waitpid(child, os.WNOHANG)

        assert ended == (child, 0), beside.log.read_text()[-3_000:]
        retried = beside.steps_of_last_command("STEP_UP_FOR_RETRY")
        assert set(retried) == {step for step in killed if KILLED[step] == stage}

    print("killed: " + ", ".join(f"{step} after {s:.0f} s" for step, s in killed.items()))
    assert set(killed) == set(KILLED)
    assert differences(beside.found(PORTFOLIO), undisturbed) == []


@pytest.fixture
def cluster(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head and two nodes of Ray on this machine. They have the installation's variables, as the
    machines of a cluster would: secrets do not travel with a step.
    """
    utils = pytest.importorskip("ray.cluster_utils")
    for name, value in installation.environment.items():
        monkeypatch.setenv(name, value)
    # A step is the command `dagster`, which a node finds as a shell with this environment would.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    (port,) = free_ports(1)
    # Steps go to the nodes alone, since the head has no CPU to give.
    head = {"num_cpus": 0, "include_dashboard": True, "dashboard_port": port}
    made = utils.Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        made.add_node(num_cpus=1)
    yield made
    made.shutdown()


def address_of(cluster: Any) -> str:
    """Where the cluster takes jobs."""
    return f"http://{cluster.head_node.webui_url}"


@pytest.mark.slow
def test_a_month_on_ray_is_the_same(
    installation: Installation, undisturbed: State, cluster: Any
) -> None:
    """Each step is a job of the cluster; what it leaves is what one process leaves."""
    on_ray = again(installation, CHURN_EXECUTOR="ray", RAY_ADDRESS=address_of(cluster))
    print(f"ray: {month(on_ray):.0f} s", flush=True)
    assert differences(on_ray.found(PORTFOLIO), undisturbed) == []


@pytest.mark.slow
@pytest.mark.parametrize("step", KILLED)
def test_a_month_completes_though_the_node_of_a_step_is_killed(
    installation: Installation, undisturbed: State, cluster: Any, step: str
) -> None:
    """The step runs again on the other node, and the month is the undisturbed one."""
    from ray.job_submission import JobSubmissionClient

    on_ray = again(installation, CHURN_EXECUTOR="ray", RAY_ADDRESS=address_of(cluster))
    client = JobSubmissionClient(address_of(cluster))
    for stage in STAGES:
        if stage != KILLED[step]:
            installation.complete(partial(job, stage, LAST, LAST))
            continue

        child = on_ray.start(partial(job, stage, LAST, LAST))
        while step not in on_ray.steps_of_last_command():
            assert os.waitpid(child, os.WNOHANG) == (0, 0), on_ray.log.read_text()[-3_000:]
            time.sleep(0.05)
        submitted = on_ray.metadata_of_last_command("STEP_WORKER_STARTING", "Ray Submission ID")
        place = client.get_job_info(submitted[step]).driver_node_id
        (node,) = (each for each in cluster.worker_nodes if each.node_id == place)
        cluster.remove_node(node, allow_graceful=False)
        assert os.waitpid(child, 0)[1] == 0, on_ray.log.read_text()[-3_000:]
        assert set(on_ray.steps_of_last_command("STEP_UP_FOR_RETRY")) == {step}

    assert differences(on_ray.found(PORTFOLIO), undisturbed) == []
