"""A worker that hangs is replaced, and the service answers again."""

import os
import signal
import urllib.request
from pathlib import Path

from churn_platform_tests.support.processes import serving
from churn_platform_tests.support.served_bundles import publish
from churn_platform_tests.support.waiting import eventually


def workers(folder: Path) -> set[str]:
    """Process numbers of the workers that count."""
    return {path.name for path in (folder / "state" / "heartbeats").glob("*")}


def answers(port: int) -> bool:
    """Whether the service answers; a worker counts a moment before it listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=30) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_a_stopped_worker_is_replaced(tmp_path, booster):
    """It takes no signal but the last; the server starts another in its place."""
    publish(tmp_path / "published", booster)
    with serving(tmp_path, workers=1, SERVING_WATCHDOG_SECONDS="1") as port:
        eventually(lambda: len(workers(tmp_path)) == 1)
        (hanging,) = workers(tmp_path)
        os.kill(int(hanging), signal.SIGSTOP)
        eventually(lambda: bool(workers(tmp_path) - {hanging}), seconds=60)
        eventually(lambda: answers(port))
