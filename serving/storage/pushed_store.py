"""Pushed features: fresher values of a customer that hold for a while, seen by every worker process
at once.

They are in a memory-mapped file (LMDB) that the workers of a machine share. A push is on disk when
`put` returns, so it outlives workers and machine; `put` takes milliseconds for that and belongs in
a thread. `get` takes a microsecond.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import lmdb

from churn_platform.published.format import CUSTOMER_ID
from churn_platform.published.pushed_features import overlay_key
from serving.errors import Fault, InvalidRequest, OverlayFull
from serving.storage.damaged_store import set_aside_if_damaged
from serving.storage.private_files import folder_locked
from serving.storage.pushed_file import (
    Held,
    Kept,
    Store,
    Value,
    check_values,
    entry_of,
    file_of,
    held_in,
    newest,
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


class Event(NamedTuple):
    """What was so of a customer at an instant (microseconds since 1970), and for how long."""

    customer_id: str
    features: Mapping[str, Value]
    ttl_seconds: float
    at_us: int


def _held(transaction: lmdb.Transaction, key: bytes, now: float) -> Held:
    stored = transaction.get(key)
    return held_in(stored, now) if stored else {}


def _told(features: Mapping[str, Value], ttl_seconds: float, at_us: int) -> Held:
    # From the instant that it is of, not from that of its arrival: on every host it ends at once.
    expires_at = at_us / 1e6 + ttl_seconds
    return {name: Kept(expires_at, value, at_us) for name, value in features.items()}


def _holding(told: Held, now: float) -> Held:
    return {name: kept for name, kept in told.items() if kept.expires_at > now}


def _later_than(held: Held, features: Mapping[str, Value], now: float) -> int:
    """Now; or just after what is held of the features, where a clock went back or is ahead."""
    # What an application pushes must count, whatever other hosts' clocks said.
    others = [held[name].at_us + 1 for name in features if name in held]
    return max([round(now * 1e6), *others])


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

        return {name: kept.value for name, kept in held_in(stored, now).items()} if stored else {}

    def put(
        self,
        portfolio: str,
        customer_id: str,
        features: Mapping[str, Value],
        ttl_seconds: float,
        now: float,
        *,
        before_commit: Callable[[int], object] = lambda _: None,
    ) -> None:
        """Let values hold for `ttl_seconds`; others pushed before keep their own time. OverlayFull:
        nothing kept.

        before_commit: is told of when the values are, in microseconds. What it raises ends the
        push, and nothing is kept.
        """
        self.check(portfolio, customer_id, features)
        key = overlay_key(portfolio, customer_id)
        with self._writing(f"the features of {customer_id[:60]!r}") as (store, writing):
            held = _held(writing, key, now)
            at_us = _later_than(held, features, now)
            told = _told(features, ttl_seconds, at_us)
            self._keep(store, writing, key, newest(held, told), now)
            before_commit(at_us)

    def put_events(self, portfolio: str, events: Sequence[Event], now: float) -> int:
        """Let of each feature the value of the newest event hold, all or, with OverlayFull, none.
        The events must be checked. Returns how many of them changed something.

        One commit for all: each waits for the disk, which takes longer than all else.
        """
        changed = 0
        with self._writing(f"{len(events)} events") as (store, writing):
            for event in events:
                key = overlay_key(portfolio, event.customer_id)
                told = _told(event.features, event.ttl_seconds, event.at_us)
                held = _held(writing, key, now)
                merged = newest(held, _holding(told, now))
                if merged != held:
                    self._keep(store, writing, key, merged, now)
                    changed += 1

        return changed

    def check(self, portfolio: str, customer_id: str, features: Mapping[str, Value]) -> None:
        """InvalidRequest for an id or a number that the store cannot hold."""
        if len(overlay_key(portfolio, customer_id)) > MAX_KEY_BYTES:
            allowed = f"text of at most {overlay_id_bytes_max(portfolio)} bytes"
            raise InvalidRequest([Fault(CUSTOMER_ID, customer_id[:60], allowed)])
        check_values(features)

    @contextlib.contextmanager
    def _writing(self, what: str) -> Iterator[tuple[Store, lmdb.Transaction]]:
        """A transaction of the store that is there now; OverlayFull where it cannot be kept."""
        try:
            self.follow()  # or the push would be kept where no one looks
            store = self._store
            with store.environment.begin(write=True) as transaction:
                yield store, transaction
        # the file at its bound, or the disk full: LMDB tells the latter in several ways
        except (lmdb.Error, OSError) as error:
            raise OverlayFull(f"{what} cannot be kept: {error}; push later") from error

    def _keep(
        self, store: Store, transaction: lmdb.Transaction, key: bytes, held: Held, now: float
    ) -> None:
        entry = entry_of(held, now)
        self._check_space(transaction, len(entry), is_new=transaction.get(key) is None)
        store.traces[trace_of(key)] = 1  # before anybody can see the values
        transaction.put(key, entry)

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
