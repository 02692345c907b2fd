"""An experiment by the commands alone, on a real service and a real daemon: up to champion, and a
bad challenger that the daemon puts on record.

Run it with `make experiment-check`.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from churn_platform.experiments.spec import ExperimentSpec
from churn_platform.published.live_file import Live, read_live
from churn_platform_tests.experiments.conftest import spec_of
from churn_platform_tests.support import acme
from churn_platform_tests.support.bad_challengers import spoil
from churn_platform_tests.support.graph_runs import HASH_KEY, Graph
from churn_platform_tests.support.load import answers_of, asked_all_the_time, is_at, stats
from churn_platform_tests.support.processes import serving
from churn_platform_tests.support.tiny import customers
from churn_platform_tests.support.waiting import eventually

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
MARCH = date(2025, 3, 1)
PEOPLE = customers(2_000, seed=3)
IDS = [str(name) for name in PEOPLE.customer_ids]
CANDIDATES = ("logistic_regression", "lightgbm")
PATIENCE_SECONDS = 300.0
STEPS = [
    {"name": "shadow", "weight": 0.0, "least_hours": 0, "least_customers": 100},
    {"name": "slice", "weight": 0.2, "least_hours": 0, "least_customers": 100},
    {"name": "ramp", "weight": 0.5, "least_hours": 0, "approval": True},
]


@dataclass
class Operator:
    """An installation that is used by its commands."""

    graph: Graph
    environment: dict[str, str]

    def churn(self, *arguments: str) -> str:
        """What a command prints; AssertionError with that if it fails."""
        status, told = self.try_churn(*arguments)
        assert status == 0, told
        return told

    def try_churn(self, *arguments: str) -> tuple[int, str]:
        """The status of a command in a process of its own, and what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "churn_platform.cli", *arguments],
            env=self.environment,
            cwd=self.graph.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        print(f"$ churn {' '.join(arguments)}\n{done.stdout}{done.stderr[-2000:]}")
        return done.returncode, done.stdout + done.stderr

    def experiment(self, command: str, name: str, *more: str) -> str:
        """`churn experiment`, with a reason where one is wanted."""
        reads = ("plan", "status", "history")
        reason = () if command in reads else ("--reason", "for the drill")
        return self.churn("experiment", command, name, *reason, *more)

    def ask(self, spec: ExperimentSpec) -> None:
        """Write the spec of an experiment."""
        folder = self.graph.settings.experiments_dir
        folder.mkdir(exist_ok=True)
        path = folder / f"{spec.name}.yaml"
        path.write_text(yaml.safe_dump(spec.model_dump(mode="json")))

    @property
    def live(self) -> Live:
        """What serving reads."""
        found = read_live(self.graph.settings.published_dir / "acme")
        assert found is not None
        return found

    def daemon(self) -> "subprocess.Popen[bytes]":
        """A real daemon, which leads a session of its own."""
        command = [str(Path(sys.executable).with_name("dagster-daemon")), "run"]
        command += ["-m", "churn_platform.definitions"]
        log = (self.graph.folder / "daemon.log").open("wb")
        return subprocess.Popen(
            command,
            env=self.environment,
            cwd=self.graph.folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def asked_of(name: str, **fields: Any) -> ExperimentSpec:
    """An experiment of one month, that ships what is not worse."""
    usual = {
        "name": name,
        "portfolio": "acme",
        "steps": STEPS,
        "smallest_effect": 0.2,
        "most_months": 1,
        "criteria": {"ship": "not_worse"},
    }
    return spec_of(**(usual | fields))


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """A snapshot of March, which a logistic regression serves; boosting was trained beside it."""
    monkeypatch.setitem(acme.SNAPSHOT, "candidates", list(CANDIDATES))
    graph = Graph(tmp_path / "data", tuning_trials=0)
    acme.write_spec(graph)
    acme.land_snapshot(graph, MARCH, PEOPLE)
    config = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    kept = {key: config[key] for key in ("concurrency", "telemetry", "nux")}
    (graph.folder / "dagster.yaml").write_text(yaml.safe_dump(kept))
    environment = os.environ | {
        "DAGSTER_HOME": str(graph.folder),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
        "CHURN_DATA_DIR": str(graph.folder),
        "CHURN_PORTFOLIOS_DIR": str(graph.settings.portfolios_dir),
        "CHURN_EXPERIMENTS_DIR": str(graph.settings.experiments_dir),
        "CHURN_PHONE_HASH_KEY": HASH_KEY,
        "CHURN_TUNING_TRIALS": "0",
        "CHURN_MODEL_THREADS": "1",
        "CHURN_DUCKDB_THREADS": "1",
        "CHURN_AUTOMATION_LANDING": "False",
        "CHURN_AUTOMATION_INTERVAL_SECONDS": "3",
        "CHURN_AUTOMATION_ANSWERS_SECONDS": "20",
    }
    made = Operator(graph, environment)
    for algorithm in CANDIDATES:
        made.churn("run", "acme", "--candidate", algorithm)
    return made


@pytest.fixture
def daemon(operator: Operator) -> Iterator["subprocess.Popen[bytes]"]:
    """The operator's daemon."""
    process = operator.daemon()
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_commands_take_a_challenger_to_champion_and_a_bad_one_off(operator, daemon):
    """Shadow, slice, ramp, champion, each step only when its spec lets it; then a challenger that
    does harm is dropped by the service and put on record by the daemon. No request fails.
    """
    folder = operator.graph.folder
    state = {"SERVING_STATE_DIR": str(folder / "serving"), "SERVING_LOG_SEGMENT_SECONDS": "1"}
    before = operator.live.champion
    with serving(folder, workers=2, **state) as port, asked_all_the_time(port, "acme", IDS) as load:
        climb(operator, port)
        operator.experiment("ship", "boosting")
        assert operator.live.champion != before
        eventually(lambda: stats(port, "acme")["experiment"] is None)
        eventually(lambda: operator.live.champion in load.versions())
        drop(operator, port, challenger=before)
        assert load.failures == []

    told = operator.experiment("history", "boosting")
    for event in ("started", "advanced", "approved", "paused", "resumed", "shipped"):
        assert event in told
    assert daemon.poll() is None


def climb(operator: Operator, port: int) -> None:
    """From shadow to the last step, with a pause, as far as the spec lets it."""
    operator.ask(asked_of("boosting", versions={"challenger": "lightgbm"}))
    assert "auc" in operator.experiment("plan", "boosting")
    assert "scores in shadow" in operator.experiment("start", "boosting")
    eventually(lambda: is_at(stats(port, "acme"), "shadow"))
    assert stays(operator, "the challenger has scored")

    # Scored by both versions, and judged on the customers that neither was fitted on.
    operator.churn("run", "acme", "--candidate", "lightgbm")
    assert "20%" in operator.experiment("advance", "boosting")
    eventually(lambda: answers_of(stats(port, "acme"), "challenger") > 300)
    operator.experiment("pause", "boosting")
    assert stays(operator, "it is paused")
    operator.experiment("resume", "boosting")

    # The daemon takes in what the service has answered.
    eventually(lambda: not stays(operator, "the challenger has scored"), PATIENCE_SECONDS)
    assert stays(operator, "needs an approval")
    assert "50%" in operator.experiment("advance", "boosting", "--approve")
    eventually(lambda: is_at(stats(port, "acme"), "ramp"))
    assert "ship: the challenger" in operator.experiment("status", "boosting")


def stays(operator: Operator, why: str) -> bool:
    """Whether the experiment stays at its step for this reason."""
    status, told = operator.try_churn("experiment", "advance", "boosting", "--reason", "too early")
    assert status != 0, told
    return why in " ".join(told.split())


def drop(operator: Operator, port: int, *, challenger: int) -> None:
    """The old champion comes back as a challenger with a wrong threshold, and is dropped."""
    spoil(operator.graph.settings.published_dir / "acme", challenger, "wrong threshold")
    # Its shadow would betray it before it has a customer.
    steps = [STEPS[0] | {"least_customers": 0}, STEPS[1]]
    operator.ask(asked_of("again", versions={"challenger": challenger}, steps=steps))
    operator.experiment("start", "again")
    eventually(lambda: operator.live.experiment is None, PATIENCE_SECONDS)
    assert "dropped" in operator.experiment("status", "again")
    history = operator.experiment("history", "again")
    assert "decision_shift" in history and "by daemon" in history
