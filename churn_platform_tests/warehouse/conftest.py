"""Processes beside the test's own, for what only several processes show."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from churn_platform.warehouse.lake import Lake

Start = Callable[..., subprocess.Popen[str]]
ROOT = Path(__file__).parents[2]


def source_of(lake: Lake, wait_seconds: float) -> str:
    """The lake as source code."""
    return (
        "from pathlib import Path\nfrom churn_platform.warehouse.lake import Lake, connect\n"
        f"lake = Lake(catalog={lake.catalog!r}, files={lake.files!r}, "
        f"extension_dir=Path({str(lake.extension_dir)!r}), "
        f"temp_dir=Path({str(lake.temp_dir)!r}), threads=1, memory_limit='500MB', "
        f"wait_seconds={wait_seconds})\n"
    )


@pytest.fixture
def start(lake: Lake) -> Iterator[Start]:
    """Starts a Python process with `lake` defined; what is left of them is killed in the end."""
    processes: list[subprocess.Popen[str]] = []

    def start(code: str, *arguments: str, wait_seconds: float = 60) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", source_of(lake, wait_seconds) + code, *arguments]
        pipe = subprocess.PIPE
        processes.append(
            subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)
        )
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()
