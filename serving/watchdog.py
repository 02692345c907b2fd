"""Notices a worker that hangs, and ends it; the server then starts another.

Each worker's event loop counts in a small mapped file of its own. A thread in the main process
counts how often it has looked and found the same number. Both count and neither reads a clock, so a
machine that was suspended as a whole loses no worker.
"""

import asyncio
import contextlib
import logging
import os
import signal
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from serving.storage.shared_memory import shared_memory

COUNT = struct.Struct("<Q")
LAST_LOOKS = 2  # between asking for a traceback and the end

logger = logging.getLogger(__name__)


async def beat(folder: Path, *, seconds: float = 1.0) -> None:
    """Count in this worker's file as long as the event loop turns."""
    path = folder / str(os.getpid())
    try:
        memory = shared_memory(path, COUNT.size)
    except OSError as error:
        logger.error("no watchdog for this worker", extra={"fields": {"why": str(error)}})
        return

    count = 0
    try:
        while True:
            count += 1
            COUNT.pack_into(memory, 0, count)
            await asyncio.sleep(seconds)
    finally:
        path.unlink(missing_ok=True)


class Watchdog:
    """Looks at the workers' files; one whose number stays the same for `looks` looks is ended.

    is_worker: whether a process is a living worker of this service. A file of any other process is
    removed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        looks: int,
        is_worker: Callable[[int], bool],
        send: Callable[[int, int], None] = os.kill,
    ):
        self._folder, self._looks = folder, looks
        self._is_worker, self._send = is_worker, send
        self._seen: dict[int, tuple[bytes, int]] = {}

    def look(self) -> None:
        """Look at each worker once."""
        for path in self._folder.glob("*"):
            pid = int(path.name) if path.name.isdigit() else 0
            if not pid or not self._is_worker(pid):
                path.unlink(missing_ok=True)
                self._seen.pop(pid, None)
                continue

            with contextlib.suppress(OSError):  # it has just ended
                self._judge(pid, path.read_bytes())

    def _judge(self, pid: int, count: bytes) -> None:
        before, times = self._seen.get(pid, (b"", 0))
        times = times + 1 if count == before else 0
        self._seen[pid] = (count, times)

        if times == self._looks:
            shown = {"pid": pid, "looks": times}
            logger.error("worker hangs and is replaced", extra={"fields": shown})
            self._send(pid, signal.SIGABRT)  # faulthandler writes where it hangs
            return

        last_look = self._looks + LAST_LOOKS
        if times >= last_look:
            self._send(pid, signal.SIGKILL)  # also a stopped process, which takes no other signal


def is_running_child(pid: int) -> bool:
    """Whether a process is a child of this one and runs. Leaves the exit status for the process
    that waits for it.
    """
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


def watch_workers(folder: Path, *, looks: int, seconds: float = 1.0) -> None:
    """Look every so many seconds, in a thread of its own, as long as this process lives."""
    watchdog = Watchdog(folder, looks=looks, is_worker=is_running_child)
    never = threading.Event()

    def run() -> None:
        while not never.wait(seconds):
            try:
                watchdog.look()
            except Exception:  # the next look may do better; workers must not be left unwatched
                logger.exception("the workers could not be looked at")

    threading.Thread(
        target=run,
        name="watchdog",
        daemon=True,
    ).start()
