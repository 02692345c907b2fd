"""Says whether the audit trail is as it was written, line by line, and against heads noted
elsewhere.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from churn_platform.audit.audit_record import GENESIS, Record, decode, digest, encode


@dataclass(frozen=True)
class Anchor:
    """What somebody outside the file knows of it: that record number `sequence` has the hash
    `sha256`.
    """

    where: str
    sequence: int
    sha256: str


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written; `line` counts from 1, None if it is missing at
    the end.
    """

    line: int | None
    problem: str


@dataclass(frozen=True)
class Verification:
    """How many records there are, the head (the last one's hash), and everything that is wrong."""

    records: int
    head: str
    findings: list[Finding]


def verify(path: Path, anchors: Iterable[Anchor] = ()) -> Verification:
    """Check every line of the file and every anchor; a file that does not exist holds no record."""
    content = path.read_bytes() if path.exists() else b""
    *lines, torn = content.split(b"\n")
    read = [_read(line) for line in lines]
    findings = [*_check_lines(lines, read), *_check_anchors(read, anchors)]
    if torn:
        problem = (
            "torn: no end of line. A writer died in it before the record was acknowledged, "
            "or the file was cut; "
            "the next append sets it aside and records that"
        )
        findings.append(Finding(len(lines) + 1, problem))

    head = GENESIS
    for record in read:
        if record:
            head = record.sha256

    return Verification(len(lines), head, findings)


def _read(line: bytes) -> Record | None:
    try:
        return decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _check_lines(lines: list[bytes], read: list[Record | None]) -> Iterator[Finding]:
    due, previous = 1, GENESIS
    for number, (line, record) in enumerate(zip(lines, read, strict=True), 1):
        if record is None:
            yield Finding(number, "changed: it holds no audit record")
            due, previous = due + 1, ""  # what follows a broken line cannot be held against it
            continue

        if problem := _problem(line, record, due, previous):
            yield Finding(number, problem)

        due, previous = record.sequence + 1, record.sha256


def _problem(line: bytes, record: Record, due: int, previous: str) -> str | None:
    # Byte for byte: JSON that means the same but is written otherwise was not written by `append`.
    if encode(record) != line:
        return "changed: not in the form in which records are written"
    if digest(record) != record.sha256:
        return "changed: its content does not fit its hash"
    if record.sequence != due:
        return (
            f"record {record.sequence} where {due} is due: records were removed, reordered "
            "or inserted"
        )
    if previous and record.previous != previous:
        return (
            "does not follow the line before: that one was changed, or a record was removed, "
            "reordered or inserted"
        )

    return None


def _check_anchors(read: list[Record | None], anchors: Iterable[Anchor]) -> Iterator[Finding]:
    for anchor in anchors:
        known = f"{anchor.where} knows record {anchor.sequence} as {anchor.sha256[:12]}..."
        if anchor.sequence > len(read):
            yield Finding(
                None, f"{known}, but the file ends after {len(read)}: its end was cut off"
            )
            continue

        record = read[anchor.sequence - 1]
        if record is None or record.sha256 != anchor.sha256:
            yield Finding(
                anchor.sequence,
                f"{known}, but the file has another record there: it was rewritten",
            )
