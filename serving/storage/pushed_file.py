"""The file of pushed features: opening it, reading an entry, removing what has expired.

For nearly every customer nothing was pushed. So that this costs no look-up, a byte of shared memory
per hash of a key says whether anything may be there: the customer's trace.
"""

import logging
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import lmdb
import msgspec

from churn_platform.published.pushed_features import OVERLAY_FILE
from serving.errors import Fault, InvalidRequest
from serving.storage.damaged_store import LOCK_FILE, TRACES_FILE, set_aside_if_damaged
from serving.storage.shared_memory import shared_memory, take_space

Value = float | int | str | bool | None

MAX_READERS = 1024
PURGED_AT_ONCE = 256  # customers in one transaction, which changes some 300 pages at most
TRACES = 1 << 20  # with all customers there can be, one look-up in ten is in vain
# A value further ahead is of a clock that was wrong. It would hold, and keep out every newer one,
# until its time has come.
AHEAD_SECONDS_MAX = 300.0
FAR_SECONDS = 8 * 86_400.0  # beyond what values usually live, so such an entry is worth a look
EXPIRY = struct.Struct("<d")  # the last of a customer's values to expire, in front of them

logger = logging.getLogger(__name__)


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """A value, until when it holds (seconds since 1970), and of when it is (microseconds).

    An entry of an earlier version says nothing of the latter: whatever comes takes its place.
    """

    expires_at: float
    value: Value
    at_us: int = 0


Held = dict[str, Kept]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Held).decode


@dataclass(frozen=True)
class Store:
    """An open store; `file` tells it from one that took its place."""

    environment: lmdb.Environment
    traces: memoryview
    file: int


def open_store(folder: Path, *, map_bytes: int) -> Store:
    """The store of a locked folder; a damaged one is set aside first."""
    set_aside_if_damaged(folder)
    environment = lmdb.open(
        str(folder),
        map_size=map_bytes,
        mode=0o600,
        metasync=False,
        max_readers=MAX_READERS,
    )
    take_space(folder / LOCK_FILE, (folder / LOCK_FILE).stat().st_size)
    environment.reader_check()  # frees the places of readers that were killed
    traces = shared_memory(folder / TRACES_FILE, TRACES)
    with environment.begin(buffers=True) as transaction, transaction.cursor() as cursor:
        for key in cursor.iternext(
            values=False
        ):  # a loss of power may have kept the values and not the traces
            traces[trace_of(key)] = 1

    return Store(environment, traces, file_of(folder))


def file_of(folder: Path) -> int:
    """The number of the store's file; 0 if there is none."""
    try:
        return (folder / OVERLAY_FILE).stat().st_ino
    except OSError:
        return 0


def remove_expired(store: Store, now: float) -> int:
    """Remove customers without a value that still holds, a few at a time; returns their number."""
    store.environment.reader_check()  # the pages that a killed reader saw last stay taken
    with store.environment.begin(buffers=True) as transaction, transaction.cursor() as cursor:
        stale = [bytes(key) for key, stored in cursor if _is_stale(stored, now)]

    gone: list[bytes] = []
    for place in range(0, len(stale), PURGED_AT_ONCE):
        with store.environment.begin(
            write=True
        ) as writing:  # looks again: a push may have come in between
            for key in stale[place : place + PURGED_AT_ONCE]:
                if _is_stale(writing.get(key, b""), now) and writing.delete(key):
                    gone.append(key)

    if gone:
        _clear_traces(store, {trace_of(key) for key in gone})

    return len(gone)


def _clear_traces(store: Store, traces: set[int]) -> None:
    """Clear those that no customer has any more."""
    # The transaction changes nothing. It keeps pushes waiting, so that no trace is set meanwhile.
    with store.environment.begin(write=True) as waited_for:
        kept = {trace_of(key) for key in waited_for.cursor().iternext(values=False)}
        for trace in traces - kept:
            store.traces[trace] = 0


def trace_of(key: bytes | memoryview) -> int:
    """The place of a customer's trace."""
    return zlib.crc32(key) % TRACES


def entry_of(held: Held, now: float) -> bytes:
    """What is stored of a customer."""
    last = max((kept.expires_at for kept in held.values()), default=now)
    return EXPIRY.pack(last) + _encode(held)


def held_in(stored: bytes, now: float) -> Held:
    """What holds of an entry; nothing of one that is damaged."""
    if has_expired(stored, now):
        return {}

    try:
        values = _decode(stored[EXPIRY.size :])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        logger.error(
            "an entry of pushed features is damaged and ignored",
            extra={"fields": {"why": str(error)}},
        )
        return {}

    newest_us = (now + AHEAD_SECONDS_MAX) * 1e6
    return {
        name: kept
        for name, kept in values.items()
        if kept.expires_at > now and kept.at_us <= newest_us
    }


def newest(held: Held, told: Held) -> Held:
    """Of each feature the value that is of a later instant.

    Of two values of one instant that whose bytes are greater: so every host keeps the same,
    in whatever order and however often events reach it.
    """
    merged = dict(held)
    for name, new in told.items():
        old = held.get(name)
        if old is None or _rank(new) > _rank(old):
            merged[name] = new

    return merged


def _rank(kept: Kept) -> tuple[int, bytes]:
    return kept.at_us, _encode(kept)


def check_values(values: Mapping[str, Value]) -> None:
    """InvalidRequest for a number of more than 64 bits, which cannot be stored."""
    try:
        _encode(values)
    except OverflowError as error:
        allowed = "whole numbers of at least -2^63 and at most 2^64 - 1"
        raise InvalidRequest([Fault("features", None, allowed)]) from error


def has_expired(stored: bytes | memoryview, now: float) -> bool:
    """Whether there is an entry of which nothing holds any more."""
    if len(stored) < EXPIRY.size:
        return len(stored) > 0
    return not EXPIRY.unpack_from(stored)[0] > now


def _is_stale(stored: bytes | memoryview, now: float) -> bool:
    """Whether there is an entry of which nothing holds, be it over or of a clock that was ahead."""
    if len(stored) == 0 or has_expired(stored, now):
        return len(stored) > 0
    is_far = EXPIRY.unpack_from(stored)[0] > now + FAR_SECONDS
    return is_far and not held_in(bytes(stored), now)
