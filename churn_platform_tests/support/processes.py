"""The service as `python -m serving` runs it: real worker processes on a free port of loopback."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn_platform_tests.support.ports import free_ports

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0
STOP_SECONDS = 20.0


@contextmanager
def serving(folder: Path, *, workers: int, **settings: str) -> Iterator[int]:
    """The port of a ready service on `folder`'s published and state folders.

    Its output goes to `service.log` there; `settings` are further variables of its environment.
    """
    (port,) = free_ports(1)
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "SERVING_PUBLISHED_DIR": str(folder / "published"),
        "SERVING_STATE_DIR": str(folder / "state"),
        "SERVING_PORT": str(port),
        "SERVING_WORKERS": str(workers),
        "SERVING_POLL_SECONDS": "0.05",
        **settings,
    }
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, port, folder / "service.log")
        yield port
    finally:
        _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    given_up_at = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < given_up_at:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=10):
                return
        except OSError:  # not listening yet, or a 503
            time.sleep(0.05)
    raise RuntimeError(f"the service did not get ready: {log.read_text()[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the service, and its workers with it."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
