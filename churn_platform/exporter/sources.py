"""Reads each store in a thread of its own and keeps what it read, so that one that hangs, is locked
or is missing delays no answer.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from churn_platform.exporter.readings import Reading

KEEP_SECONDS = 20.0  # below a usual scrape interval, so that each scrape reads once
WAIT_SECONDS = 5.0  # below Prometheus' usual time limit of a scrape, 10 s

Read = Callable[[], Sequence[Reading]]

logger = logging.getLogger(__name__)


class Source:
    """One store. After a reading that failed the newest good one stays, and `is_up` is False.

    clock: tells the time of a good reading. keep_seconds: how long one is good enough.
    """

    def __init__(
        self,
        name: str,
        read: Read,
        *,
        clock: Callable[[], float],
        keep_seconds: float = KEEP_SECONDS,
    ):
        self.name = name
        self.readings: Sequence[Reading] = ()
        self.is_up = False
        self.read_at: float | None = None
        self._read = read
        self._clock = clock
        self._keep_seconds = keep_seconds
        self._begun = float("-inf")
        # At most one: a store that hangs must not gather threads, one for each scrape.
        self._reading: threading.Thread | None = None
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Begin to read, unless what was read is new enough, or a reading still runs."""
        with self._lock:
            if self._reading and self._reading.is_alive():
                return
            if time.monotonic() - self._begun < self._keep_seconds:
                return
            self._begun = time.monotonic()
            # A daemon: a store that hangs must not keep the process from ending.
            self._reading = threading.Thread(
                target=self._run,
                name=self.name,
                daemon=True,
            )
            self._reading.start()

    def wait(self, seconds: float) -> None:
        """Wait for the reading that runs; after that time the store counts as not up."""
        reading = self._reading
        if reading:
            reading.join(max(0.0, seconds))
            if reading.is_alive():
                self.is_up = False

    def _run(self) -> None:
        try:
            self.readings = self._read()
        except Exception as error:  # whatever a store raises, the others are answered
            self.is_up = False
            logger.warning("%s cannot be read: %s: %s", self.name, type(error).__name__, error)
            return

        self.is_up = True
        self.read_at = self._clock()


def read_all(sources: Sequence[Source], *, wait_seconds: float = WAIT_SECONDS) -> None:
    """Read what is not new enough, all at once, and wait that long altogether."""
    until = time.monotonic() + wait_seconds
    for source in sources:
        source.refresh()

    for source in sources:
        source.wait(until - time.monotonic())
