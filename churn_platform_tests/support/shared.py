"""Folders that are built once for all workers of one run of the tests, and copied or only read, and
servers that are started once.

The process that pytest was started in makes the folder of the run and names it in its environment,
which its workers inherit.
"""

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from filelock import FileLock

VARIABLE = "TESTS_SHARED_FOLDER"
BUILT = ".built"
PROCESS = ".process"  # the number of a process that a build has started, which ends with the run


def open_shared_folder(config: pytest.Config) -> None:
    """Make the folder of this run of the tests, which ends with it; a worker has one already."""
    if VARIABLE in os.environ:
        return
    folder = TemporaryDirectory(prefix="churn-tests-", ignore_cleanup_errors=True)
    os.environ[VARIABLE] = folder.name

    def close() -> None:
        del os.environ[VARIABLE]
        end_processes(Path(folder.name))
        folder.cleanup()

    config.add_cleanup(close)


def shared(name: str, build: Callable[[Path], object]) -> Path:
    """The folder of that name, filled by `build` for the first worker that asks for it.

    Who asks must leave it as it is, and copies it to write.
    """
    folder = Path(os.environ[VARIABLE]) / name
    with FileLock(f"{folder}.lock"):
        if not (folder / BUILT).exists():
            # What a worker left that failed half-way would be in the way of the next one.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            (folder / BUILT).touch()
    return folder


def end_processes(shared_folder: Path) -> None:
    """End what the builds have started; each wrote its process's number into its folder."""
    for noted in shared_folder.glob(f"*/{PROCESS}"):
        with suppress(ProcessLookupError):
            os.kill(int(noted.read_text()), signal.SIGKILL)
