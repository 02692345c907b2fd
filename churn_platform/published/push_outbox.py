"""Pushes on their way to other hosts: the service writes them down, `churn stream` publishes them.

Files instead of a broker's client in the service: an answer waits for no broker, the service needs
none of its libraries, and what is written down survives both processes. A file holds an event a
line. It is removed once the broker has its events, so that nothing of a customer stays behind.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn_platform.published.customer_events import CustomerEvent, event_bytes
from churn_platform.storage.atomic_file import fsync

OUTBOX_DIR = "outbox"
LOCK_FILE = ".lock"
OPEN, TAKEN = ".jsonl", ".taken"
FILE_BYTES_MAX = 16 << 20  # whoever publishes a file reads it as a whole


class PushOutbox:
    """The outbox of a host, in a folder that is private to its owner."""

    def __init__(self, folder: Path):
        self._folder = folder

    def append(self, event: CustomerEvent, now_ns: int) -> None:
        """Write an event down; it is on disk when this returns. OSError: it is not."""
        # A line of its own even behind half a record, which a full disk may have left.
        line = b"\n" + event_bytes(event) + b"\n"
        with self._locked():
            path = next(self._folder.glob(f"*{OPEN}"), None)
            if path is not None and path.stat().st_size > FILE_BYTES_MAX:
                path.rename(path.with_suffix(TAKEN))
                path = None

            is_new = path is None
            if path is None:
                path = self._folder / f"{now_ns}{OPEN}"

            descriptor = os.open(
                path,
                os.O_WRONLY | os.O_APPEND | os.O_CREAT,
                0o600,
            )
            try:
                _write_all(descriptor, line)
            finally:
                os.close(descriptor)

            if is_new:
                fsync(self._folder)

    def take(self) -> list[Path]:
        """Files to be published, the oldest first. No one writes to them any more; whoever has
        published one removes it, and what a kill left is taken again.
        """
        if not self._folder.is_dir():
            return []

        # Under the lock, so that no event is half written to a file that is published.
        with self._locked():
            for path in self._folder.glob(f"*{OPEN}"):
                path.rename(path.with_suffix(TAKEN))

        return sorted(self._folder.glob(f"*{TAKEN}"), key=_begun_ns)

    def lag_seconds(self, now: float) -> float:
        """Age of the oldest event that waits, or a little more; 0 if none does."""
        # Also what was taken: the broker may not answer, and then nothing has gone out.
        waiting = [*self._folder.glob(f"*{OPEN}"), *self._folder.glob(f"*{TAKEN}")]
        return max((now - _begun_ns(path) / 1e9 for path in waiting), default=0.0)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # A file of its own: what is written to is renamed, and its lock would go along.
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / LOCK_FILE).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def lines_of(path: Path) -> list[bytes]:
    """What was written down in a file, in order."""
    found = []
    for line in path.read_bytes().split(b"\n"):
        # An empty one is before each, for each was written with a newline at both ends.
        if line:
            found.append(line)

    return found


def _begun_ns(path: Path) -> int:
    return int(path.stem)


def _write_all(descriptor: int, content: bytes) -> None:
    """Write it to disk as a whole, or leave the file as it was."""
    before = os.fstat(descriptor).st_size
    try:
        written = os.write(descriptor, content)
        wanted = len(content)
        if written < wanted:
            raise OSError(f"{written} of {wanted} bytes were written; free space on the disk")

        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, before)
        raise
