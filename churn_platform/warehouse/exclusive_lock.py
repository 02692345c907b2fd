"""One process at a time, by a lock file: a later process waits for a bounded time, and its error
names the one that it waited for.

The system releases the lock when its process ends, however that ends.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from churn_platform.errors import WarehouseBusyError
from churn_platform.warehouse.holders import holders_of

MAKING_SECONDS = 600.0  # a store is made in seconds, on a slow disk in some tens


@contextmanager
def exclusive(path: Path, *, wait_seconds: float, busy: Callable[[str], str]) -> Iterator[None]:
    """Hold the lock file at `path`; WarehouseBusyError if it does not come free in
    `wait_seconds`.

    `busy` makes the error's message from the names of the processes that hold the lock.
    """
    # A lock of the operating system, not a file that merely exists: it goes with its holder,
    # even after kill -9, so no stale lock has to be removed by hand.
    lock = FileLock(path, timeout=wait_seconds)
    try:
        lock.acquire()
    except Timeout:
        holders = ", ".join(holders_of(path)) or "another process"
        raise WarehouseBusyError(busy(holders)) from None

    try:
        yield
    finally:
        lock.release()


@contextmanager
def one_maker(path: Path, *, what: str) -> Iterator[None]:
    """Let one process make what is at `path` on first use, while others wait for it to be whole."""
    # Stores of several tables are made step by step: a process that opened one meanwhile would find
    # half of it, or make the same tables. The lock file is beside `path`.
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / f".{path.name}.making.lock"
    with exclusive(
        lock,
        wait_seconds=MAKING_SECONDS,
        busy=lambda holders: (
            f"{what} at {path} has been opened or made by {holders} for more than "
            f"{MAKING_SECONDS:g} s; "
            "wait for it to end, or end it, and run again"
        ),
    ):
        yield
