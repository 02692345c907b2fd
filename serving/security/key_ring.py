"""The API keys that hold now: a ring that follows the file, in a thread of its own.

A revoked key must be refused even if everything else is slow, full or broken. So the thread shares
nothing with the event loop, its pool of threads or the published folder, and holds a file
descriptor in reserve.
"""

import contextlib
import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from serving.errors import ServiceSettingsError
from serving.security.api_keys import Key, are_closed, close, read_keys, stamp_of

RESERVE = os.devnull

logger = logging.getLogger(__name__)


class KeyRing:
    """The keys of a file, followed as it changes.

    is_in_use: whether there is a key, or ever was one. It stays so when all are revoked, when the
    file goes away and in processes that start later, because the state folder remembers it apart
    from the file.
    """

    def __init__(self, path: Path):
        self._path = path
        self.is_in_use = False
        self.looked_at = 0.0
        self._stamp: object = None
        self._keys: dict[bytes, Key] = {}
        self._reserve: int | None = None
        self._was_closed = False
        self.refresh()

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, secret: bytes) -> Key | None:
        """The key whose secret this is; None if there is none."""
        return self._keys.get(hashlib.sha256(secret).digest())

    def age_seconds(self) -> float:
        """Seconds since the last successful look at the file."""
        return time.monotonic() - self.looked_at

    def refresh(self) -> None:
        """Read the file again if it has changed; a revoked key is refused from then on.
        ServiceSettingsError: unreadable.
        """
        stamp = stamp_of(self._path)
        # Once there was a key the service stays closed, also when the file is emptied. Only a
        # service that never had a key is open on loopback.
        if stamp != self._stamp:
            self.is_in_use = True
            self._keys = {bytes.fromhex(key.sha256): key for key in self._read()}
            self._stamp = stamp

        self._remember()
        self.looked_at = time.monotonic()
        self._tell()

    def _read(self) -> list[Key]:
        """The keys, also while every other file descriptor of the process is taken."""
        self._let_go()
        # The descriptor in reserve is given up for a moment: the process may have no other one
        # left.
        try:
            return read_keys(self._path)
        finally:
            self._hold_reserve()

    def _hold_reserve(self) -> None:
        with contextlib.suppress(OSError):  # none is free; the next look tries again
            self._reserve = os.open(RESERVE, os.O_RDONLY | os.O_CLOEXEC)

    def _let_go(self) -> None:
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None

    def _remember(self) -> None:
        """Note in the state folder that there are keys; a full disk is no reason to follow them no
        longer.
        """
        if self._reserve is None:
            self._hold_reserve()

        if not self.is_in_use:
            self.is_in_use = are_closed(self._path)
        elif not are_closed(self._path):
            try:
                close(self._path)
            except OSError as error:
                logger.error(
                    "cannot note that there are API keys", extra={"fields": {"why": str(error)}}
                )

    def _tell(self) -> None:
        is_closed = self.is_in_use and not self._keys
        if is_closed and not self._was_closed:
            shown = {"file": str(self._path)}
            logger.error(
                "CLOSED: no API key is left, all requests are refused", extra={"fields": shown}
            )

        self._was_closed = is_closed

    def close(self) -> None:
        """Let go of the descriptor in reserve."""
        self._let_go()


class KeyWatch:
    """A thread that refreshes a ring every so many seconds, and says when it did."""

    def __init__(self, ring: KeyRing, *, seconds: float, looked: Callable[[float], None]):
        self._ring, self._seconds, self._looked = ring, seconds, looked
        self._failed: str | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._run,
            name="keys",
            daemon=True,
        )

    def start(self) -> None:
        """Begin to follow the file."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._thread.join()
        self._ring.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._look()
            self._stopped.wait(self._seconds)

    def _look(self) -> None:
        try:
            self._ring.refresh()
            self._failed = None
        except Exception as error:  # the thread must outlive any file that is there
            self._say_failed(error)

        # A look that failed leaves the instant of the last good one.
        self._looked(self._ring.looked_at)

    def _say_failed(self, error: Exception) -> None:
        if self._failed == str(error):
            return

        self._failed = str(error)
        is_foreseen = isinstance(error, ServiceSettingsError)
        logger.error(
            "API keys cannot be read; those read before hold on",
            extra={"fields": {"why": str(error)}},
            exc_info=None if is_foreseen else error,
        )
