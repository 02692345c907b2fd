"""A segment that is being written, and the closing of those whose writer has died."""

import fcntl
import os
import time
from pathlib import Path

import msgspec

from churn_platform.published.prediction_log import (
    CLOSED_SUFFIX,
    OPEN_SUFFIX,
    PREDICTIONS,
    SCHEMA,
    SegmentHeader,
    frame,
    segment_name,
)
from serving.storage.private_files import folder_locked

PROBE_BYTES = 1 << 16


class OpenSegment:
    """A file `<opened at>-<worker>.open` whose lock its writer holds until it closes the file or
    dies.
    """

    def __init__(self, folder: Path, worker: str, *, magic: bytes = PREDICTIONS.magic):
        self._begun = time.monotonic()
        self._unsynced = False
        self.size = 0
        self.is_broken = False
        with folder_locked(folder):  # so that no one takes the new file for that of a dead writer
            opened_at_us = time.time_ns() // 1_000
            self.path = folder / segment_name(opened_at_us, worker)
            self._descriptor = os.open(
                self.path,
                os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND,
                0o600,
            )
            # The lock tells the living from the dead: no heartbeat, no pid that belongs to another
            # process.
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

        header = SegmentHeader(SCHEMA, worker, opened_at_us)
        try:
            self.append(magic + frame(msgspec.msgpack.encode(header)))
        except OSError:
            self._discard()
            raise

    @property
    def age_seconds(self) -> float:
        """Seconds since it was opened."""
        return time.monotonic() - self._begun

    @property
    def is_gone(self) -> bool:
        """Whether somebody has deleted the file, so that what is written now reaches no one."""
        return os.fstat(self._descriptor).st_nlink == 0

    def append(self, frames: bytes) -> None:
        """Write whole frames, or raise OSError and leave none; `is_broken` if half a frame could
        not be taken off.
        """
        try:
            # One write: kill -9 loses nothing that the kernel has, and a full disk is noticed here.
            written = os.write(self._descriptor, frames)
            if written != len(frames):
                raise OSError(f"only {written} of {len(frames)} bytes fitted")
        except OSError:
            self._cut_back()
            raise

        self.size += written
        self._unsynced = True

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._descriptor, self.size)
        except OSError:
            self.is_broken = True

    def probe(self) -> None:
        """OSError if there is no space for more."""
        try:
            # Asks for space without writing a record that would have to be taken back.
            os.posix_fallocate(self._descriptor, self.size, PROBE_BYTES)
        finally:
            self._cut_back()

    def sync(self) -> None:
        """Bring what was written to disk."""
        if self._unsynced:
            self._unsynced = False
            os.fsync(self._descriptor)

    def close(self, *, sync: bool) -> None:
        """Name it closed and let go of it."""
        if sync:
            self.sync()
        _name_closed(self.path)
        os.close(self._descriptor)

    def let_go(self) -> None:
        """Close a file that is gone."""
        os.close(self._descriptor)

    def _discard(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self._descriptor)


def close_dead_segments(folder: Path) -> list[Path]:
    """Close every segment that no living process writes; returns them as named now."""
    closed = []
    with folder_locked(folder):
        for path in sorted(folder.glob(f"*{OPEN_SUFFIX}")):
            if not _is_written(path):
                closed.append(_name_closed(path))
    return closed


def _is_written(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)

    return False


def _name_closed(path: Path) -> Path:
    return path.rename(path.with_suffix(CLOSED_SUFFIX))
