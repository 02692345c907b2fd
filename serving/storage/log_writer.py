"""The prediction log: every answer is in a file before it is sent.

Each worker process appends to a segment of its own. A record that `append` has returned from
survives the process, kill -9 included: it is in the kernel's page cache. It survives a loss of
power once it is synced, which a setting asks for every so many seconds.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from churn_platform.published.prediction_log import CLOSED_SUFFIX, Prediction, frame
from serving.errors import LogUnavailable
from serving.storage.log_segment import OpenSegment, close_dead_segments
from serving.storage.private_files import private_folder

KEEPER_SECONDS = 1.0
_encode = msgspec.msgpack.Encoder().encode

logger = logging.getLogger(__name__)


class PredictionLog:
    """The log of one portfolio in one worker process; its threads may share it, a forked child may
    not.

    folder: of the portfolio. max_bytes, max_age_seconds: when a segment is closed, so that it can
    be ingested.
    fsync_seconds: how often to sync to disk; 0 leaves that to the system.
    available: whether the newest attempt to write went well; while it did not, a thread tries again
    every second.
    A folder that cannot be written at the start is such an attempt.
    """

    def __init__(
        self,
        folder: Path,
        *,
        worker: str,
        max_bytes: int = 32 << 20,
        max_age_seconds: float = 60.0,
        fsync_seconds: float = 0.0,
    ):
        self.folder, self.worker, self.max_bytes = folder, worker, max_bytes
        self.max_age_seconds, self.fsync_seconds = max_age_seconds, fsync_seconds
        self.available = True
        self._segment: OpenSegment | None = None
        self._full: list[OpenSegment] = []
        self._mutex = threading.Lock()

        self._is_prepared = False
        try:
            self._prepare()
        except OSError as error:
            self.available = False
            logger.error("prediction log cannot be written", extra={"fields": {"why": str(error)}})

        self._stopped = threading.Event()
        self._keeper = threading.Thread(
            target=self._keep,
            name=f"prediction-log-{folder.name}",
            daemon=True,
        )
        self._keeper.start()

    def append(self, record: Prediction) -> None:
        """Keep a record, or raise LogUnavailable and keep nothing."""
        frames = frame(_encode(record))
        self._write(lambda segment: segment.append(frames))

    def append_many(self, records: Iterable[Prediction]) -> None:
        """Keep all records of a request in one write, or raise LogUnavailable and keep none."""
        if frames := b"".join([frame(_encode(record)) for record in records]):
            self._write(lambda segment: segment.append(frames))

    def check(self) -> None:
        """LogUnavailable unless there is space for some hundred records more; `available` says the
        same afterwards.
        """
        self._write(lambda segment: segment.probe())

    def close(self) -> None:
        """Close the segment, so that it can be ingested."""
        self._stopped.set()
        self._keeper.join()
        with self._mutex:
            self._set_aside()
        self._close_full()

    def _write(self, act: Callable[[OpenSegment], None]) -> None:
        with self._mutex:
            try:
                if self._segment is None:
                    self._segment = OpenSegment(self.folder, self.worker)

                act(self._segment)
            except OSError as error:
                self.available = False
                # Half a record could not be taken off; the next records go into a segment of their
                # own.
                if self._segment and self._segment.is_broken:
                    self._set_aside()

                raise LogUnavailable(
                    f"{self.folder}: {error}; free space there, or correct the rights"
                ) from error

            self.available = True
            if self._segment.size >= self.max_bytes:
                self._set_aside()

    def _prepare(self) -> None:
        """Make the folder, and close what dead writers left there; or raise OSError."""
        private_folder(self.folder)
        close_dead_segments(self.folder)
        self._is_prepared = True

    def _set_aside(self) -> None:
        if self._segment:
            self._full.append(self._segment)
            self._segment = None

    def _keep(self) -> None:
        """What may take milliseconds, off the path of requests: sync, close what is full or old,
        look for space.
        """
        while not self._stopped.wait(min(self.fsync_seconds or KEEPER_SECONDS, KEEPER_SECONDS)):
            if not self._is_prepared:
                with contextlib.suppress(OSError):
                    self._prepare()

            with contextlib.suppress(
                OSError, LogUnavailable
            ):  # the next round, or the next append, tries again
                if not self.available:
                    self.check()

                with self._mutex:
                    self._leave_gone()
                    segment = self._segment
                    if segment and segment.age_seconds >= self.max_age_seconds:
                        self._set_aside()

                if segment and self.fsync_seconds:
                    segment.sync()

                self._close_full()

    def _leave_gone(self) -> None:
        """Where the folder was deleted under us, the next append begins a segment in a new one."""
        if self._segment and self._segment.is_gone:
            self._segment.let_go()
            self._segment = None

    def _close_full(self) -> None:
        while self._full:
            self._full[0].close(sync=self.fsync_seconds > 0)
            del self._full[0]


def log_lag_seconds(folder: Path, now: float) -> float:
    """Age of the oldest closed segment that has not been ingested; 0 if there is none. Other
    files do not count.
    """
    opened = []
    for path in folder.glob(f"*-*{CLOSED_SUFFIX}"):
        microseconds = path.name.split("-")[0]
        if microseconds.isdecimal():
            opened.append(int(microseconds))

    if not opened:
        return 0.0

    return max(0.0, now - min(opened) / 1e6)
