"""Appends to the audit trail: one JSON line per record, each holding the hash of the one before.

Several processes and threads may append; a lock file orders them. A record is acknowledged when
`append` returns: by then it is on disk. A line without an end was torn by a crash and never
acknowledged; the next append sets it aside and says so in a record of its own.

Where several hosts share a store, the trail is there, an object per record, and the file is this
host's copy (`shared_trail.py`).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from churn_platform.audit import shared_trail
from churn_platform.audit.audit_record import GENESIS, Action, Record, encode, sealed
from churn_platform.audit.trail_file import (
    RECORD_BYTES_MAX,
    add_records,
    locked,
    opened,
    read_records,
    tail,
)
from churn_platform.errors import AuditError
from churn_platform.storage.store import Store


@dataclass(frozen=True)
class AuditLog:
    """The trail in one file, with the user who writes it, the clock that dates its records, and the
    store that several hosts share, if they do.
    """

    path: Path
    by: str
    now: Callable[[], datetime]
    store: Store | None = None

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
        about = (action, portfolio, subject, reason, dict(details or {}))
        with locked(self.path), opened(self.path) as file:
            if self.store is not None:
                return self._append_shared(self.store, file, about)
            last, torn = tail(file, self.path)
            records = [self._repair(last, torn)] if torn else []
            record = self._next(records[-1] if records else last, *about)
            add_records(file, self.path, [*records, record], cut=len(torn))

        return record

    def _append_shared(self, store: Store, file: int, about: tuple[Any, ...]) -> Record:
        while True:
            last = shared_trail.take_over(store, file, self.path)
            record = self._next(last, *about)
            # The store decides whose record has the number. The file is a copy, written after it.
            if shared_trail.create(store, record):
                add_records(file, self.path, [record])
                return record

    def records(self) -> list[Record]:
        """Every complete record, oldest first; AuditError names a line that holds none."""
        return read_records(self.file())

    def file(self) -> Path:
        """The trail as a file of this host, with every record there is."""
        if self.store is not None:
            shared_trail.copy_here(self.store, self.path)
        return self.path

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
