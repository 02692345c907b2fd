"""The files in which each worker process counts, of which any adds up those of all.

prometheus_client maps them into memory and lets them grow without taking space on disk, so that a
full disk would kill the worker that counts (SIGBUS), and with it the service. Here the space is
taken before anything is counted.
"""

import contextlib
import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import values
from prometheus_client.multiprocess import mark_process_dead

from serving.storage.shared_memory import take_space

FILE_BYTES = {
    "counter": 1 << 20,
    "histogram": 1 << 20,
    "gauge_livemin": 1 << 16,
    "gauge_livemax": 1 << 16,
}
"""By kind of metric; enough for a hundred versions, beyond which the library lets a file grow."""

COUNTER_FILE = re.compile(r"(counter|histogram|summary|gauge_[a-z]+)_\d+\.db")
"""Names that prometheus_client gives to its files: kind of metric and process."""

logger = logging.getLogger(__name__)


def share_counters(folder: Path) -> bool:
    """Take the space of this process's files in `folder`, before it counts anything; False if
    there is none.

    It then counts in its own memory, which only the process itself can tell.
    """
    _forget_dead(folder)
    files = {}
    for kind, size in FILE_BYTES.items():
        files[folder / f"{kind}_{os.getpid()}.db"] = size

    try:
        for file, size in files.items():
            take_space(file, size)
    except OSError as error:
        logger.error(
            "no space to count in; /metrics tells of this worker alone",
            extra={"fields": {"why": str(error)}},
        )
        _remove(files)
        # The class that prometheus_client uses without a shared folder: each metric asks for it.
        values.ValueClass = values.MutexValue
        return False

    return True


def remove_counters(folder: Path) -> None:
    """Make the folder empty of the counters of earlier processes. What else is there is not ours,
    and stays.

    OSError if a file cannot be removed, or the folder not be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        if COUNTER_FILE.fullmatch(file.name):
            file.unlink(missing_ok=True)


def _forget_dead(folder: Path) -> None:
    """Remove what processes that are gone said of the present; what they counted stays."""
    for process in {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*.db")}:
        if _is_gone(process):
            with contextlib.suppress(FileNotFoundError):  # another worker that starts does the same
                mark_process_dead(process, str(folder))


def _is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError as error:
        return isinstance(error, ProcessLookupError)
    return False


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        with contextlib.suppress(OSError):
            file.unlink()
