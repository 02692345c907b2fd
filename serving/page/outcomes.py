"""Keeps what agents record: in a log before the answer, then where the next agent sees it."""

import contextlib
import threading
import time
from pathlib import Path

import msgspec

from churn_platform.published.outcome_log import OUTCOMES, Outcome
from churn_platform.published.prediction_log import (
    CLOSED_SUFFIX,
    OPEN_SUFFIX,
    frame,
    load_segment,
)
from serving.errors import LogUnavailable
from serving.page.store import Store
from serving.storage.log_segment import OpenSegment, close_dead_segments


class OutcomeLog:
    """The log of all portfolios in one process.

    folder: with a folder per portfolio. At the start it closes the segments of dead processes, and
    shows the outcomes of them: a process that was killed between log and store loses none.
    """

    def __init__(self, folder: Path, store: Store, *, worker: str, max_age_seconds: float):
        self._folder, self._store, self._worker = folder, store, worker
        self._max_age_seconds = max_age_seconds
        self._segments: dict[str, OpenSegment] = {}
        self._mutex = threading.Lock()
        self._stopped = threading.Event()
        self._recover()
        self._keeper = threading.Thread(target=self._keep, name="outcome-log", daemon=True)
        self._keeper.start()

    def record(self, outcome: Outcome) -> None:
        """Keep an outcome, or raise LogUnavailable. It is on disk when this returns.

        An outcome of an id that was recorded before is the same one, sent twice.
        """
        with self._mutex:
            if self._store.has_outcome(outcome.outcome_id):
                return
            try:
                segment = self._segment(outcome.portfolio)
                segment.append(frame(msgspec.msgpack.encode(outcome)))
                # An agent who was told "recorded" will not ask again: also a power cut must not
                # lose it.
                segment.sync()
            except OSError as error:
                raise LogUnavailable(
                    f"{self._folder}: {error}; free space there, or correct the rights"
                ) from error
            self._store.put_outcome(outcome)

    def close(self) -> None:
        """Close the segments, so that they can be ingested."""
        self._stopped.set()
        self._keeper.join()
        with self._mutex:
            self._close_segments(older_than=0.0)

    def _segment(self, portfolio: str) -> OpenSegment:
        segment = self._segments.get(portfolio)
        if segment is None or segment.is_gone or segment.is_broken:
            folder = self._folder / portfolio
            segment = OpenSegment(folder, self._worker, magic=OUTCOMES.magic)
            self._segments[portfolio] = segment
        return segment

    def _keep(self) -> None:
        while not self._stopped.wait(1.0):
            with self._mutex, contextlib.suppress(OSError):
                self._close_segments(older_than=self._max_age_seconds)

    def _close_segments(self, *, older_than: float) -> None:
        for portfolio, segment in list(self._segments.items()):
            if segment.age_seconds >= older_than:
                del self._segments[portfolio]
                segment.close(sync=True)

    def _recover(self) -> None:
        for folder in sorted(path for path in self._folder.glob("*") if path.is_dir()):
            close_dead_segments(folder)
            segments = [*folder.glob(f"*{CLOSED_SUFFIX}"), *folder.glob(f"*{OPEN_SUFFIX}")]
            for path in sorted(segments):
                # The platform may take a segment away meanwhile: then it was shown before.
                with contextlib.suppress(FileNotFoundError):
                    for outcome in load_segment(path, OUTCOMES).records:
                        self._store.put_outcome(outcome)


def now_us() -> int:
    """The present, UTC in microseconds."""
    return time.time_ns() // 1_000
