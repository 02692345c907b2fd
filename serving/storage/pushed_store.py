"""Pushed features: fresher values of a customer that hold for a while, seen by every worker process
at once.

They are in a memory-mapped file (LMDB) that the workers of a machine share. A push is on disk when
`put` returns, so it outlives workers and machine; `put` takes milliseconds for that and belongs in
a thread. `get` takes a microsecond.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import lmdb

from churn_platform.published.format import CUSTOMER_ID
from churn_platform.published.pushed_features import overlay_key
from serving.errors import Fault, InvalidRequest, OverlayFull
from serving.storage.damaged_store import set_aside_if_damaged
from serving.storage.private_files import folder_locked
from serving.storage.pushed_file import (
    Store,
    Value,
    entry_of,
    file_of,
    held_in,
    open_store,
    remove_expired,
    trace_of,
)

CUSTOMER_BYTES = 16_384  # of the file per customer, with the copies that LMDB keeps for readers
SPARE_BYTES = 16 << 20
RESERVE_BYTES = (
    16 << 20
)  # pushes leave it free, or a full store could not be purged for want of the space to do so
MAX_KEY_BYTES = 511

logger = logging.getLogger(__name__)


def overlay_id_bytes_max(portfolio: str) -> int:
    """The longest customer id of a portfolio that the store can keep: its key begins with the
    portfolio's name.
    """
    return MAX_KEY_BYTES - len(overlay_key(portfolio, ""))


class Overlay:
    """Pushed features of all portfolios; one object per process. Times are
    seconds since 1970, UTC.
    """

    def __init__(self, folder: Path, *, max_customers: int = 100_000):
        self._folder, self.max_customers = folder, max_customers
        self._bytes_max = SPARE_BYTES + max_customers * CUSTOMER_BYTES
        with folder_locked(folder):
            self._store = self._opened()

    def _opened(self) -> Store:
        return open_store(self._folder, map_bytes=self._bytes_max + RESERVE_BYTES)

    def follow(self) -> None:
        """Open the store again if another process has set it aside; to be called now and then."""
        if file_of(self._folder) == self._store.file:
            return
        with folder_locked(self._folder):
            if file_of(self._folder) != self._store.file:
                self._store = self._opened()  # the other is closed when no one reads it any more

    def get(self, portfolio: str, customer_id: str, now: float) -> dict[str, Value]:
        """The customer's values that hold now; empty without any, and where they cannot be read."""
        key, store = overlay_key(portfolio, customer_id), self._store
        # A byte instead of a look-up: LMDB lets go of the interpreter's lock while it reads, and
        # another thread waits for that. Three such calls cost 5 us alone and about 20 us under
        # load.
        if not store.traces[trace_of(key)] or len(key) > MAX_KEY_BYTES:
            return {}

        try:
            with store.environment.begin() as transaction:
                stored = transaction.get(key)
        except lmdb.Error as error:
            logger.error("pushed features cannot be read", extra={"fields": {"why": str(error)}})
            return {}

        return {name: value for name, (_, value) in held_in(stored, now).items()} if stored else {}

    def put(
        self,
        portfolio: str,
        customer_id: str,
        features: Mapping[str, Value],
        ttl_seconds: float,
        now: float,
    ) -> None:
        """Let values hold for `ttl_seconds`; others pushed before keep their own time. OverlayFull:
        nothing kept.
        """
        key = overlay_key(portfolio, customer_id)
        if len(key) > MAX_KEY_BYTES:
            allowed = f"text of at most {overlay_id_bytes_max(portfolio)} bytes"
            raise InvalidRequest([Fault(CUSTOMER_ID, customer_id[:60], allowed)])

        pushed = {name: (now + ttl_seconds, value) for name, value in features.items()}
        try:
            self.follow()  # or the push would be kept where no one looks
            store = self._store
            with store.environment.begin(write=True) as transaction:
                stored = transaction.get(key)
                held = (held_in(stored, now) if stored else {}) | pushed
                entry = entry_of(held, now)
                self._check_space(transaction, len(entry), is_new=stored is None)
                store.traces[trace_of(key)] = 1  # before anybody can see the values
                transaction.put(key, entry)
        except OverflowError as error:
            raise InvalidRequest(
                [Fault("features", None, "whole numbers of at least -2^63 and at most 2^64 - 1")]
            ) from error
        # the file at its bound, or the disk full: LMDB tells the latter in several ways
        except (lmdb.Error, OSError) as error:
            raise OverlayFull(
                f"the features of {customer_id[:60]!r} cannot be kept: {error}; push later"
            ) from error

    def _check_space(
        self, transaction: lmdb.Transaction, entry_bytes: int, *, is_new: bool
    ) -> None:
        """OverlayFull where the reserve would be used: it is for removing what has expired."""
        used = transaction.stat()
        if is_new and used["entries"] >= self.max_customers:
            raise OverlayFull(f"{self.max_customers:,} customers have pushed features; push later")

        pages = used["branch_pages"] + used["leaf_pages"] + used["overflow_pages"]
        if pages * used["psize"] + entry_bytes > self._bytes_max:
            raise OverlayFull(
                f"pushed features take {self._bytes_max:,} bytes, the most they may; push later"
            )

    def purge(self, now: float) -> int:
        """Remove customers without a value that still holds; to be called now and then. Returns
        their number.

        A transaction needs space for each page that it changes, so each removes a few customers. A
        store that turns out to be damaged is set aside.
        """
        try:
            return remove_expired(self._store, now)
        except lmdb.Error:
            with folder_locked(self._folder):
                if set_aside_if_damaged(self._folder) is None:
                    raise
                self._store = self._opened()

            return 0

    def close(self) -> None:
        """Let go of the file."""
        self._store.environment.close()
