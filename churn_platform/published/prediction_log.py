"""The prediction log's format: serving writes segments, the platform reads them. Light: msgspec
alone.

A segment is its log's magic bytes, a frame with the header, then a frame per record. A frame is the
payload's length and CRC-32 (little-endian, 4 bytes each) and the payload in msgpack. New fields of
`Prediction` go to its end and need a default; any other change needs a new SCHEMA.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from churn_platform.errors import DataError

SCHEMA = 1
OPEN_SUFFIX = ".open"  # a worker writes it and holds a lock on it
CLOSED_SUFFIX = ".seg"  # no one writes it any more
FRAME = struct.Struct("<II")
RECORD_BYTES_MAX = (
    1 << 20
)  # far above any answer; a length that was damaged is no reason to sum up a file
_ARRAY = re.compile(rb"[\x90-\x9f\xdc]")

Record = TypeVar("Record", bound=msgspec.Struct)


class Prediction(msgspec.Struct, frozen=True, array_like=True):
    """One answer: `request_id` and `item`, the position in a batch, are unique together.

    `features` is what the model saw, float32 little-endian in the order of the version's manifest,
    NaN for missing. `arm` is the role of the version that answered. `experiment` is the start of
    the experiment that was live, and `experiment_arm` the arm that the customer was dealt to by
    `assignment.py`, whichever version answered in the end; None for a customer in none.
    """

    request_id: str
    item: int
    portfolio: str
    customer_id: str | None
    model_version: int
    arm: str
    churn_probability: float
    tier: str
    features: bytes
    features_month: str | None
    missing: tuple[str, ...]
    at_us: int
    latency_us: int
    experiment: str | None = None
    experiment_arm: str | None = None


class SegmentHeader(msgspec.Struct, frozen=True):
    """Who opened a segment and when, UTC in microseconds."""

    schema: int
    worker: str
    opened_at_us: int


class DamagedBytes(msgspec.Struct, frozen=True):
    """Bytes of a segment that are no record although records follow: a disk or
    a copy changed them.
    """

    offset: int
    content: bytes


class Segment(msgspec.Struct, Generic[Record], frozen=True):
    """A segment as read: the whole records, what was damaged between them, and the torn end.

    The torn end is what follows the last whole record and is none.
    """

    header: SegmentHeader | None
    records: list[Record]
    torn_end: bytes
    damage: tuple[DamagedBytes, ...] = ()

    @property
    def torn_bytes(self) -> int:
        """Length of the torn end."""
        return len(self.torn_end)


class LogFormat(NamedTuple, Generic[Record]):
    """What tells the segments of one log from those of another: how they begin, and what they
    hold. A record is an array in msgpack.
    """

    magic: bytes
    record: type[Record]


PREDICTIONS = LogFormat(b"CHURNLOG", Prediction)
_HEADER_DECODER = msgspec.msgpack.Decoder(SegmentHeader)


def segment_name(opened_at_us: int, worker: str) -> str:
    """Name of a segment while it is being written; names sort by the time of opening."""
    return f"{opened_at_us:016d}-{worker}{OPEN_SUFFIX}"


def opened_at_us(path: Path) -> int:
    """When a segment was opened, as its name says."""
    try:
        return int(path.name.split("-")[0])
    except ValueError:
        raise DataError(f"{path}: not the name of a segment; move it out of the folder") from None


def frame(payload: bytes) -> bytes:
    """A payload with its length and checksum before it."""
    return FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def read_segment(path: Path) -> Iterator[Prediction]:
    """Every whole prediction of a segment, in the order of writing."""
    yield from load_segment(path, PREDICTIONS).records


def load_segment(path: Path, log: LogFormat[Record]) -> Segment[Record]:
    """Every whole record of a segment; DataError if it is no segment of the log, or of an unknown
    schema.
    """
    # What was torn off by a crash was never acknowledged, so it is left out. A file without a whole
    # header holds nothing. Records behind damaged bytes are read: each was acknowledged.
    content = memoryview(path.read_bytes())
    magic = log.magic
    if bytes(content[: len(magic)]) != magic[: len(content)]:
        raise DataError(
            f"{path}: not a segment of a {_name_of(log)} log; move it out of the folder"
        )

    end, payload = _frame_at(content, len(magic)) or (0, memoryview(b""))
    if not payload:
        return Segment(None, [], bytes(content))

    header = _decoded(_HEADER_DECODER, payload, path)
    if header.schema != SCHEMA:
        raise DataError(
            f"{path}: schema {header.schema} of the {_name_of(log)} log; "
            f"this version reads {SCHEMA}, update it"
        )

    decoder = msgspec.msgpack.Decoder(log.record)
    records: list[Record] = []
    damage: list[DamagedBytes] = []
    while end < len(content):
        found = _frame_at(content, end)
        if found is None:
            # A disk changed some bytes. Records behind them were acknowledged and must not be lost.
            start = _next_record(content, end + 1, decoder)
            if start is None:
                break
            damage.append(DamagedBytes(end, bytes(content[end:start])))
            end = start
            continue

        end, payload = found
        records.append(_decoded(decoder, payload, path))

    return Segment(header, records, bytes(content[end:]), tuple(damage))


def _name_of(log: LogFormat[Any]) -> str:
    return log.record.__name__.lower()


def _decoded(decoder: msgspec.msgpack.Decoder[Any], payload: memoryview, path: Path) -> Any:
    try:
        return decoder.decode(payload)
    except msgspec.MsgspecError as error:
        raise DataError(
            f"{path}: a record with a good checksum cannot be read ({error}); update this version"
        ) from error


def _frame_at(content: memoryview, position: int) -> tuple[int, memoryview] | None:
    """(end, payload) of the frame that begins there; None if there is no whole one."""
    start = position + FRAME.size
    if start > len(content):
        return None

    length, checksum = FRAME.unpack_from(content, position)
    payload = content[start : start + length]
    # The checksum tells a whole record from the end that a crash tore.
    if length == 0 or len(payload) < length or zlib.crc32(payload) != checksum:
        return None

    return start + length, payload


def _next_record(
    content: memoryview, position: int, decoder: msgspec.msgpack.Decoder[Any]
) -> int | None:
    """Where the next whole record begins; None if none follows.

    A record is an array in msgpack, whose first byte says so: only such places are tried.
    """
    for candidate in _ARRAY.finditer(content, position + FRAME.size):
        start = candidate.start() - FRAME.size
        length, _ = FRAME.unpack_from(content, start)
        if length > RECORD_BYTES_MAX:
            continue
        found = _frame_at(content, start)
        if found and _is_record(found[1], decoder):
            return start

    return None


def _is_record(payload: memoryview, decoder: msgspec.msgpack.Decoder[Any]) -> bool:
    try:
        decoder.decode(payload)
    except msgspec.MsgspecError:
        return False
    return True
