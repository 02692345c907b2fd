"""The file of the audit trail: its lock, its end, and how lines are added to it."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from churn_platform.audit.audit_record import Record, decode, digest, encode
from churn_platform.errors import AuditError
from churn_platform.storage.atomic_file import fsync

WAIT_SECONDS = 60.0
RECORD_BYTES_MAX = 1 << 16


def read_records(path: Path) -> list[Record]:
    """Every complete record of the file, oldest first, none if there is no file; what it says is
    not verified.

    AuditError names a line that holds no record.
    """
    if not path.exists():
        return []
    # After the last end of line there is nothing, or a torn record.
    lines = path.read_bytes().split(b"\n")[:-1]
    return [parsed(line, f"line {number} of {path}") for number, line in enumerate(lines, 1)]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock beside `path`; the system frees it when its process ends. AuditError after a
    minute.
    """
    _make_folder(path.parent)
    lock = FileLock(path.with_name(f"{path.name}.lock"), timeout=WAIT_SECONDS, poll_interval=0.005)
    try:
        lock.acquire()
    except Timeout:
        raise AuditError(
            f"{path} stayed locked for {WAIT_SECONDS:g} s; find the process that holds it"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """The file, open for reading and for appending; made where there is none."""
    is_new = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        # A new file's name is in its folder; without this a power cut could lose the whole file.
        if is_new:
            fsync(path.parent)
        yield file
    finally:
        os.close(file)


def tail(file: int, path: Path) -> tuple[Record | None, bytes]:
    """The last complete record, and what follows it without an end of line."""
    size = os.fstat(file).st_size
    # The end is enough to append: reading the whole trail would make each record slower.
    start = max(0, size - 8 * RECORD_BYTES_MAX)
    complete, _, torn = os.pread(file, size - start, start).rpartition(b"\n")
    if len(torn) > 4 * RECORD_BYTES_MAX:
        raise AuditError(
            f"{path} ends in {len(torn):,} bytes that no append wrote; run `churn audit verify`"
        )
    if not complete and size == len(torn):
        return None, torn
    line = complete.rpartition(b"\n")[2]
    last = parsed(line, f"the last line of {path}")
    if digest(last) != last.sha256:
        raise AuditError(f"the last line of {path} was changed; run `churn audit verify`")
    return last, torn


def parsed(line: bytes, where: str) -> Record:
    """The record that a line, or an object, holds; AuditError with `where` if it holds none."""
    try:
        return decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AuditError(
            f"{where} holds no audit record ({error}); run `churn audit verify`"
        ) from error


def add_records(file: int, path: Path, records: Sequence[Record], *, cut: int = 0) -> None:
    """Replace the last `cut` bytes by the records, on disk when it returns; taken back where the
    disk refuses.
    """
    lines = b"".join(encode(record) + b"\n" for record in records)
    end = os.fstat(file).st_size - cut
    os.ftruncate(file, end)
    try:
        # One write: a crash can tear the last line, and nothing else.
        written = os.write(file, lines)
        if written < len(lines):
            # What the system says of the next write; no other cause writes a part.
            told = f"no space left on device, {written} of {len(lines)} bytes written"
            raise OSError(errno.ENOSPC, told)
        os.fsync(file)
    except OSError as error:
        os.ftruncate(file, end)
        raise AuditError(f"{path} cannot be written: {error}; nothing was recorded") from error


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        fsync(folder.parent)
