"""Who looked at which customer, and when: a line of JSON each, a file per month, appended before
the answer.
"""

import os
from datetime import datetime
from pathlib import Path

import msgspec

from serving.storage.private_files import private_folder


class Access(msgspec.Struct, frozen=True):
    """One look at a customer, or one thing done."""

    at: str
    user: str
    action: str
    portfolio: str
    customer_id: str


def note_access(folder: Path, access: Access) -> None:
    """Append a line. What cannot be noted is not shown: OSError."""
    private_folder(folder)
    path = folder / f"{access.at[:7]}.jsonl"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, msgspec.json.encode(access) + b"\n")
    finally:
        os.close(descriptor)


def newest_accesses(folder: Path, *, count: int) -> list[Access]:
    """The newest lines, the newest first."""
    found: list[Access] = []
    for path in sorted(folder.glob("*.jsonl"), reverse=True):
        lines = path.read_bytes().splitlines()
        found += [msgspec.json.decode(line, type=Access) for line in reversed(lines)]
        if len(found) >= count:
            break
    return found[:count]


def utc_text(now: datetime) -> str:
    """An instant as the log writes it."""
    return now.isoformat(timespec="seconds")
