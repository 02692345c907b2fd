"""deploy/ci/retrain.py asks a real webserver of Dagster: `make retrain-check`."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from churn_platform_tests.support.deploy_files import DEPLOY, ROOT
from churn_platform_tests.support.ports import free_ports
from churn_platform_tests.support.waiting import eventually

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a webserver of the platform's graph, whose runs begin at once."""
    home = tmp_path_factory.mktemp("dagster")
    (home / "dagster.yaml").write_text(
        "run_coordinator:\n"
        "  module: dagster._core.run_coordinator\n  class: DefaultRunCoordinator\n"
        "telemetry: {enabled: false}\n"
    )
    (port,) = free_ports(1)
    program = Path(sys.executable).with_name("dagster-webserver")
    command = [program, "-h", "127.0.0.1", "-p", str(port), "-w", ROOT / "workspace.yaml"]
    environment = {"DAGSTER_HOME": str(home), "CHURN_DATA_DIR": str(home / "data")}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | environment, stdout=log, stderr=log
        )
    try:
        eventually(lambda: answers(f"http://127.0.0.1:{port}/server_info"), seconds=900)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def answers(url: str) -> bool:
    """Whether it does."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def asked(url: str, portfolio: str) -> subprocess.CompletedProcess[str]:
    """The script, as the workflow runs it."""
    options = {"url": url, "portfolio": portfolio, "month": "2025-08", "because": "a drill"}
    words = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, str(DEPLOY / "ci" / "retrain.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_a_training_without_data_is_launched_and_its_failure_told(dagster: str) -> None:
    """Dagster takes the question, and the run's end reaches the workflow."""
    done = asked(dagster, "telecomit")
    assert "is asked for" in done.stdout, done.stderr
    assert done.returncode == 1
    assert "ended as FAILURE" in done.stderr


def test_an_unknown_portfolio_is_refused_in_dagsters_words(dagster: str) -> None:
    """Nothing is launched."""
    done = asked(dagster, "nowhere")
    assert done.returncode == 1
    assert "nowhere_training" in done.stderr
