"""Pushed features: fresher values of a customer that hold for a while, seen by every worker process
at once.

They lie in a memory-mapped file (LMDB) that the workers of a machine share. A push is on disk when
`put` returns, so it outlives workers and machine; `put` takes milliseconds for that and belongs in
a thread. `get` takes a microsecond.

For nearly every customer nothing was pushed. So that this costs no look-up, a byte of shared memory
per hash of a key says whether anything may be there.
"""

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import lmdb
import msgspec

from churn_platform.published.format import CUSTOMER_ID
from churn_platform.published.pushed_features import overlay_key
from serving.errors import Fault, InvalidRequest, OverlayFull
from serving.storage.private_files import private_folder
from serving.storage.shared_memory import shared_memory, take_space

Value = float | int | str | bool | None
Held = dict[str, tuple[float, Value]]  # feature -> (expires at, value)

CUSTOMER_BYTES = 16_384  # of the file per customer, with the copies that LMDB keeps for readers
SPARE_BYTES = 16 << 20
MAX_KEY_BYTES = 511
MAX_READERS = 1024
TRACES = 1 << 20  # with all customers there can be, one look-up in ten is in vain
EXPIRY = struct.Struct("<d")  # the last of a customer's values to expire, in front of them

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Held).decode


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
        private_folder(folder)
        self.max_customers = max_customers
        size = SPARE_BYTES + max_customers * CUSTOMER_BYTES
        self._environment = lmdb.open(
            str(folder), map_size=size, mode=0o600, metasync=False, max_readers=MAX_READERS
        )
        take_space(folder / "lock.mdb", (folder / "lock.mdb").stat().st_size)
        self._environment.reader_check()  # frees the places of readers that were killed
        self._traces = shared_memory(folder / "traces", TRACES)
        with self._environment.begin(buffers=True) as transaction, transaction.cursor() as cursor:
            for key in cursor.iternext(
                values=False
            ):  # a loss of power may have kept the values and not the traces
                self._traces[_trace(key)] = 1

    def get(self, portfolio: str, customer_id: str, now: float) -> dict[str, Value]:
        """The customer's values that hold now; empty where there are none."""
        key = overlay_key(portfolio, customer_id)
        if not self._traces[_trace(key)] or len(key) > MAX_KEY_BYTES:
            return {}
        with self._environment.begin() as transaction:
            stored = transaction.get(key)
        return {name: value for name, (_, value) in _held(stored, now).items()} if stored else {}

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
            with self._environment.begin(write=True) as transaction:
                stored = transaction.get(key)
                if stored is None and transaction.stat()["entries"] >= self.max_customers:
                    raise OverlayFull(
                        f"{self.max_customers:,} customers have pushed features; push later"
                    )
                held = (_held(stored, now) if stored else {}) | pushed
                last = max((expires_at for expires_at, _ in held.values()), default=now)
                self._traces[_trace(key)] = 1  # before anybody can see the values
                transaction.put(key, EXPIRY.pack(last) + _encode(held))
        except OverflowError as error:
            raise InvalidRequest(
                [Fault("features", None, "whole numbers of at least -2^63 and at most 2^64 - 1")]
            ) from error
        # the file at its bound, or the disk full: LMDB tells the latter in several ways
        except lmdb.Error as error:
            raise OverlayFull(
                f"the features of {customer_id[:60]!r} cannot be kept: {error}; push later"
            ) from error

    def purge(self, now: float) -> int:
        """Remove customers of whom nothing holds any more, to be called now and then; returns their
        number.
        """
        with self._environment.begin(buffers=True) as transaction, transaction.cursor() as cursor:
            stale = [bytes(key) for key, stored in cursor if _has_expired(stored, now)]
        if not stale:
            return 0
        with self._environment.begin(
            write=True
        ) as writing:  # looks again: a push may have come in between
            gone = [
                key
                for key in stale
                if _has_expired(writing.get(key, b""), now) and writing.delete(key)
            ]
            kept = {_trace(key) for key in writing.cursor().iternext(values=False)}
            for trace in {
                _trace(key) for key in gone
            } - kept:  # whoever pushes waits for this transaction
                self._traces[trace] = 0
        return len(gone)

    def close(self) -> None:
        """Let go of the file."""
        self._environment.close()


def _trace(key: bytes | memoryview) -> int:
    return zlib.crc32(key) % TRACES


def _held(stored: bytes, now: float) -> Held:
    if _has_expired(stored, now):
        return {}
    return {name: entry for name, entry in _decode(stored[EXPIRY.size :]).items() if entry[0] > now}


def _has_expired(stored: bytes | memoryview, now: float) -> bool:
    return len(stored) > 0 and EXPIRY.unpack_from(stored)[0] <= now
