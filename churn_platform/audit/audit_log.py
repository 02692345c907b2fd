"""Appends to the audit trail: one JSON line per record, each holding the hash of the one before.

Several processes and threads may append; a lock file orders them. A record is acknowledged when
`append` returns: by then it is on disk. A line without an end was torn by a crash and never
acknowledged; the next append sets it aside and says so in a record of its own.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock, Timeout

from churn_platform.audit.audit_record import (
    GENESIS,
    Action,
    Record,
    decode,
    digest,
    encode,
    sealed,
)
from churn_platform.errors import AuditError

WAIT_SECONDS = 60.0
RECORD_BYTES_MAX = 1 << 16


@dataclass(frozen=True)
class AuditLog:
    """The trail in one file, with the user who writes it and the clock that dates its records."""

    path: Path
    by: str
    now: Callable[[], datetime]

    def append(
        self,
        action: Action,
        *,
        portfolio: str,
        subject: str,
        reason: str,
        details: Mapping[str, Any] | None = None,
    ) -> Record:
        """Add a record and return it once it is on disk; AuditError, and nothing added, where that
        fails.
        """
        # A file, not a table of the lake: a table can be written by everything that writes the
        # lake, and its snapshots expire. A line of JSON can be read and verified without the
        # platform.
        # A file, not a table of the lake: a table can be written by everything that writes the
        # lake, and its snapshots expire. A line of JSON can be read and verified without the
        # platform.
        with locked(self.path), _opened(self.path) as file:
            last, torn = _tail(file, self.path)
            records = [self._repair(last, torn)] if torn else []
            before = records[-1] if records else last
            record = self._next(before, action, portfolio, subject, reason, dict(details or {}))
            records.append(record)
            lines = b"".join(encode(each) + b"\n" for each in records)
            _write(file, self.path, cut=len(torn), lines=lines)

        return record

    def records(self) -> list[Record]:
        """Every complete record, oldest first; AuditError names a line that holds none."""
        return read_records(self.path)

    def _next(
        self,
        before: Record | None,
        action: Action,
        portfolio: str,
        subject: str,
        reason: str,
        details: dict[str, Any],
    ) -> Record:
        record = Record(
            sequence=before.sequence + 1 if before else 1,
            at=self.now(),
            by=self.by,
            action=action,
            portfolio=portfolio,
            subject=subject,
            reason=reason,
            details=details,
            previous=before.sha256 if before else GENESIS,
        )
        if len(encode(record)) > RECORD_BYTES_MAX:
            raise AuditError(
                f"a {action} of {subject} has more than {RECORD_BYTES_MAX:,} bytes; "
                "shorten its details"
            )

        return sealed(record)

    def _repair(self, last: Record | None, torn: bytes) -> Record:
        details = {
            "torn_bytes": len(torn),
            "torn_sha256": hashlib.sha256(torn).hexdigest(),
            "torn_start": torn[:1_000].decode(errors="backslashreplace"),
        }
        reason = (
            "a line without an end, as a crash leaves it, was set aside; "
            "its record was never acknowledged"
        )
        return self._next(last, "repair", "", "log", reason, details)


def read_records(path: Path) -> list[Record]:
    """Every complete record of the file, oldest first, none if there is no file; what it says is
    not verified.

    AuditError names a line that holds no record.
    """
    if not path.exists():
        return []
    # After the last end of line there is nothing, or a torn record.
    lines = path.read_bytes().split(b"\n")[:-1]
    return [_parsed(line, f"line {number} of {path}") for number, line in enumerate(lines, 1)]


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
def _opened(path: Path) -> Iterator[int]:
    is_new = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        # A new file's name is in its folder; without this a power cut could lose the whole file.
        if is_new:
            _fsync_folder(path.parent)

        yield file
    finally:
        os.close(file)


def _tail(file: int, path: Path) -> tuple[Record | None, bytes]:
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
    last = _parsed(line, f"the last line of {path}")
    if digest(last) != last.sha256:
        raise AuditError(f"the last line of {path} was changed; run `churn audit verify`")

    return last, torn


def _parsed(line: bytes, where: str) -> Record:
    try:
        return decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AuditError(
            f"{where} holds no audit record ({error}); run `churn audit verify`"
        ) from error


def _write(file: int, path: Path, *, cut: int, lines: bytes) -> None:
    """Replace the last `cut` bytes by the lines, on disk when it returns; taken back where the disk
    refuses.
    """
    end = os.fstat(file).st_size - cut
    os.ftruncate(file, end)
    try:
        # One write: a crash can tear the last line, and nothing else.
        written = os.write(file, lines)
        if written < len(lines):
            raise OSError(f"{written} of {len(lines)} bytes written")
        os.fsync(file)
    except OSError as error:
        os.ftruncate(file, end)
        raise AuditError(f"{path} cannot be written: {error}; nothing was recorded") from error


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(
            parents=True,
            exist_ok=True,
            mode=0o750,
        )
        _fsync_folder(folder.parent)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
