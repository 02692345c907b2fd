"""The prediction log's format: serving writes segments, the platform reads them. Light: msgspec alone.

A segment is MAGIC, a frame with the header, then a frame per prediction. A frame is the payload's length and CRC-32
(little-endian, 4 bytes each) and the payload in msgpack. New fields of `Prediction` go to its end and need a default;
any other change needs a new SCHEMA.
"""

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
CLOSED_SUFFIX = ".seg"  # nobody writes it any more
FRAME = struct.Struct("<II")


class Prediction(msgspec.Struct, frozen=True, array_like=True):
    """One answer: `request_id` and `item`, the position in a batch, are unique together.

    `features` is what the model saw, float32 little-endian in the order of the version's manifest, NaN for missing.
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


class Segment(msgspec.Struct, frozen=True):
    """A segment as read: the whole predictions, and the bytes behind the last of them, which are no whole record."""

    header: SegmentHeader | None
    predictions: list[Prediction]
    torn_end: bytes

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
    """A segment read to its last whole record; DataError where it is no segment or of a schema not known here.

    What was torn off by a crash was never acknowledged, so it is left out. A file without a whole header holds nothing.
    """
    content = memoryview(path.read_bytes())
    if bytes(content[: len(MAGIC)]) != MAGIC[: len(content)]:
        raise DataError(f"{path}: not a segment of a prediction log; move it out of the folder")
    frames = _frames(content, len(MAGIC))
    end, payload = next(frames, (0, memoryview(b"")))
    if not payload:
        return Segment(None, [], bytes(content))
    header = _decoded(_HEADER_DECODER, payload, path)
    if header.schema != SCHEMA:
        raise DataError(f"{path}: schema {header.schema} of the prediction log; this version reads {SCHEMA}, update it")
    predictions = []
    for end, payload in frames:  # noqa: B007 - `end` is used after the loop
        predictions.append(_decoded(_DECODER, payload, path))
    return Segment(header, predictions, bytes(content[end:]))


def _decoded(decoder: msgspec.msgpack.Decoder[Any], payload: memoryview, path: Path) -> Any:
    try:
        return decoder.decode(payload)
    except msgspec.MsgspecError as error:
        raise DataError(
            f"{path}: a record with a good checksum cannot be read ({error}); update this version"
        ) from error


def _frames(content: memoryview, position: int) -> Iterator[tuple[int, memoryview]]:
    """(end, payload) of each whole frame up to the first that is torn."""
    while position + FRAME.size <= len(content):
        length, checksum = FRAME.unpack_from(content, position)
        payload = content[position + FRAME.size : position + FRAME.size + length]
        if length == 0 or len(payload) < length or zlib.crc32(payload) != checksum:
            return
        position += FRAME.size + length
        yield position, payload
