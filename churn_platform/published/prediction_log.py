"""The prediction log's format: serving writes segments, the platform reads them. Light: msgspec
alone.

A segment is MAGIC, a frame with the header, then a frame per prediction. A frame is the payload's
length and CRC-32 (little-endian, 4 bytes each) and the payload in msgpack. New fields of
`Prediction` go to its end and need a default; any other change needs a new SCHEMA.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from churn_platform.errors import DataError

MAGIC = b"CHURNLOG"
SCHEMA = 1
OPEN_SUFFIX = ".open"  # a worker writes it and holds a lock on it
CLOSED_SUFFIX = ".seg"  # no one writes it any more
FRAME = struct.Struct("<II")
RECORD_BYTES_MAX = (
    1 << 20
)  # far above any answer; a length that was damaged is no reason to sum up a file
_ARRAY = re.compile(rb"[\x90-\x9f\xdc]")


class Prediction(msgspec.Struct, frozen=True, array_like=True):
    """One answer: `request_id` and `item`, the position in a batch, are unique together.

    `features` is what the model saw, float32 little-endian in the order of the version's manifest,
    NaN for missing.
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


class Segment(msgspec.Struct, frozen=True):
    """A segment as read: the whole predictions, what was damaged between them, and the torn end.

    The torn end is what follows the last whole prediction and is no whole record.
    """

    header: SegmentHeader | None
    predictions: list[Prediction]
    torn_end: bytes
    damage: tuple[DamagedBytes, ...] = ()

    @property
    def torn_bytes(self) -> int:
        """Length of the torn end."""
        return len(self.torn_end)


_DECODER = msgspec.msgpack.Decoder(Prediction)
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
    yield from load_segment(path).predictions


def load_segment(path: Path) -> Segment:
    """Every whole record of a segment; DataError if it is no segment, or of an unknown schema.

    What was torn off by a crash was never acknowledged, so it is left out. A file without a whole
    header holds nothing. Records behind damaged bytes are read: each was acknowledged.
    """
    content = memoryview(path.read_bytes())
    if bytes(content[: len(MAGIC)]) != MAGIC[: len(content)]:
        raise DataError(f"{path}: not a segment of a prediction log; move it out of the folder")
    end, payload = _frame_at(content, len(MAGIC)) or (0, memoryview(b""))
    if not payload:
        return Segment(None, [], bytes(content))
    header = _decoded(_HEADER_DECODER, payload, path)
    if header.schema != SCHEMA:
        raise DataError(
            f"{path}: schema {header.schema} of the prediction log; this version reads {SCHEMA}, "
            "update it"
        )
    predictions: list[Prediction] = []
    damage: list[DamagedBytes] = []
    while end < len(content):
        found = _frame_at(content, end)
        if found is None:
            # A disk changed some bytes. Records behind them were acknowledged and must not be lost.
            start = _next_record(content, end + 1)
            if start is None:
                break
            damage.append(DamagedBytes(end, bytes(content[end:start])))
            end = start
            continue
        end, payload = found
        predictions.append(_decoded(_DECODER, payload, path))
    return Segment(header, predictions, bytes(content[end:]), tuple(damage))


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


def _next_record(content: memoryview, position: int) -> int | None:
    """Where the next whole prediction begins; None if none follows.

    A prediction is an array in msgpack, whose first byte says so: only such places are tried.
    """
    for candidate in _ARRAY.finditer(content, position + FRAME.size):
        start = candidate.start() - FRAME.size
        length, _ = FRAME.unpack_from(content, start)
        if length > RECORD_BYTES_MAX:
            continue
        found = _frame_at(content, start)
        if found and _is_prediction(found[1]):
            return start
    return None


def _is_prediction(payload: memoryview) -> bool:
    try:
        _DECODER.decode(payload)
    except msgspec.MsgspecError:
        return False
    return True
