"""Refuses a landed file that no reader should be given: no plain file, cut short, or beyond reason
in its bytes.

DuckDB cannot be left to find these. It drops a last line that is longer than its buffer without a
word, takes NUL bytes for text, and unpacks a gzip bomb to its end.
"""

import gzip
import io
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

from churn_platform.errors import LandingError

CHUNK_BYTES = (
    1 << 20
)  # shorter than the longest line, so that no line too long hides within a chunk
MAX_LINE_BYTES = 2_000_000  # DuckDB's own limit, `max_line_size`
MAX_UNPACKED_BYTES = 64 << 30  # ten times a month of calls of two million customers
MAX_RATIO = 500  # CSV of customers reaches 5 to 50, gzip itself ends at 1,032
RATIO_WINDOW_BYTES = 256 << 20  # good rows before a bomb must not thin its ratio out
GZIP_MARK = b"\x1f\x8b"
UNTOUCHED = "nothing of it was loaded"

# Why a table cannot be read, in the words of every reader of it.
TOO_LONG = f"{MAX_LINE_BYTES:,} bytes"
FIELDS = "the line has too few or too many fields; it may be truncated, deliver it again"
QUOTATION = f"a quotation mark is not closed, or its field has more than {TOO_LONG}"
NO_PARQUET = "it is truncated or not Parquet; deliver it again"


class OtherKind(LandingError):
    """The file is no table of a kind that can be read, and is to be saved as CSV."""


def check_is_file(path: Path) -> None:
    """LandingError for a path that is missing, or a folder, a pipe or a link to nothing."""
    if path.is_file():
        return
    if path.is_dir():
        raise LandingError(f"{path}: is a folder; put the file itself in its place")
    if path.is_symlink():
        raise LandingError(
            f"{path}: links to {path.readlink()}, where no file is; "
            "put the file itself in its place"
        )
    if path.exists():
        raise LandingError(f"{path}: is a pipe or a device; put a plain file in its place")

    raise LandingError(f"{path}: no such file; check the path")


def check_sound(path: Path) -> None:
    """LandingError for what is no file, or may not be read."""
    check_is_file(path)
    if not os.access(path, os.R_OK):
        raise LandingError(f"{path}: no permission to read it; grant it with `chmod`, {UNTOUCHED}")


def checked_lines(path: Path, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of a text as they come; LandingError for one with a NUL byte or a line beyond
    reason.
    """
    # Only the first and the last line end of a piece are looked for: counting lines would take as
    # long as loading.
    position = 0
    line_start = 0
    for chunk in pieces:
        nul = chunk.find(b"\0")
        if nul >= 0:
            line = _line_of(path, position + nul)
            raise LandingError(
                f"{path}: line {line} holds a NUL byte, as UTF-16 and damaged files do; "
                f"save it as UTF-8 or deliver it again, {UNTOUCHED}"
            )

        line_end = _first_end(chunk)
        reached = position + (len(chunk) if line_end < 0 else line_end)
        if reached - line_start > MAX_LINE_BYTES:
            raise LandingError(
                f"{path}: line {_line_of(path, line_start)} has more than {MAX_LINE_BYTES:,} "
                "bytes; "
                "shorten its longest field, or end its lines with LF or CRLF, "
                f"and deliver it again, {UNTOUCHED}"
            )
        if line_end >= 0:
            last_end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            line_start = position + last_end + 1

        position += len(chunk)
        yield chunk


def _first_end(chunk: bytes) -> int:
    """The place of the first line end, LF or CR; -1 without any."""
    line_feed = chunk.find(b"\n")
    carriage_return = chunk.find(b"\r")
    if line_feed < 0 or carriage_return < 0:
        return max(line_feed, carriage_return)
    return min(line_feed, carriage_return)


def _line_of(path: Path, position: int) -> int:
    """The number of the line that holds a byte, found by reading the file once more."""
    lines = 1
    for chunk in pieces_of(path):
        if position < len(chunk):
            return lines + chunk.count(b"\n", 0, position)
        lines += chunk.count(b"\n")
        position -= len(chunk)

    return lines


def is_gzip(path: Path) -> bool:
    """Whether the file is packed, or is to be by its name."""
    if path.suffix.lower() == ".gz":
        return True
    with path.open("rb") as file:
        return file.read(2) == GZIP_MARK


def lines_of(path: Path) -> TextIO:
    """The lines of a text, unpacked, with their ends as they are, so that quoted ones are kept."""
    if is_gzip(path):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")  # type: ignore[return-value]
    return path.open(encoding="utf-8-sig", newline="")


def pieces_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file in pieces, unpacked; LandingError for a gzip file that is cut short or a
    bomb.
    """
    with path.open("rb") as file:
        if not is_gzip(path):
            yield from _pieces(file)
            return

        try:
            with gzip.GzipFile(fileobj=file) as stream:
                yield from _unpacked(path, file, stream)
        except (EOFError, OSError, zlib.error):
            raise LandingError(
                f"{path}: it is truncated or not gzip; deliver it again; {UNTOUCHED}"
            ) from None


def _pieces(stream: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _unpacked(path: Path, packed: io.BufferedReader, stream: gzip.GzipFile) -> Iterator[bytes]:
    """The chunks of a gzip stream; LandingError as soon as they are more than
    such a file can mean.
    """
    unpacked = window_start = packed_before = 0
    for chunk in _pieces(stream):
        unpacked += len(chunk)
        if unpacked > MAX_UNPACKED_BYTES:
            raise LandingError(
                f"{path}: unpacks to more than {MAX_UNPACKED_BYTES:,} bytes; "
                f"deliver it as Parquet, {UNTOUCHED}"
            )
        # By window, not over the whole file: a bomb can hide behind many sound rows.
        if unpacked - window_start >= RATIO_WINDOW_BYTES:
            window = unpacked - window_start
            consumed = packed.tell() - packed_before
            if window > MAX_RATIO * consumed:
                raise LandingError(
                    f"{path}: {window:,} bytes unpack from {consumed:,}, "
                    f"more than {MAX_RATIO} times as many, "
                    f"as in a gzip bomb; deliver it as Parquet or unpacked, {UNTOUCHED}"
                )
            window_start, packed_before = unpacked, packed.tell()

        yield chunk
