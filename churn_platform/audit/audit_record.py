"""One record of the audit trail, and the one way to write it as bytes."""

import hashlib
import hmac
import re
from datetime import datetime
from typing import Any, Literal

import msgspec

from churn_platform.errors import AuditError

Action = Literal[
    "promotion",
    "refusal",
    "awaiting_approval",
    "approval",
    "rollback",
    "publication",
    "traffic",
    "experiment",
    "threshold_change",
    "erasure",
    "data_acceptance",
    "list_approval",
    "risk_webhook",
    "delivery",
    "repair",
]
GENESIS = "0" * 64
SUBJECT = re.compile(
    r"version [1-9]\d*|month \d{4}-(0[1-9]|1[0-2])|customer [0-9a-f]{64}|log"
    r"|experiment [a-z0-9][a-z0-9_-]{0,63}",
    re.ASCII,
)


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who did what to what, when and why; `sha256` covers every other field, `previous` is that of
    the record before.

    `sequence` counts from 1, `at` is UTC. `details` holds numbers and names as JSON takes them.
    """

    sequence: int
    at: datetime
    by: str
    action: Action
    portfolio: str
    subject: str
    reason: str
    details: dict[str, Any]
    previous: str
    sha256: str = ""

    @property
    def version(self) -> int | None:
        """The model version that the record is about; None if it is about something else."""
        kind, _, number = self.subject.partition(" ")
        return int(number) if kind == "version" else None


def sealed(record: Record) -> Record:
    """The record with its hash; AuditError if it could not be read back as written, or names its
    subject freely.
    """
    if not SUBJECT.fullmatch(record.subject):
        raise AuditError(
            f"audit subject {record.subject[:60]!r}: write 'version N', 'month YYYY-MM', "
            "'experiment NAME' or 'customer <keyed hash>', "
            "never personal data"
        )
    if record.at.utcoffset() is None:
        raise AuditError(f"audit time {record.at} has no time zone; give it in UTC")

    made = msgspec.structs.replace(record, sha256=digest(record))
    try:
        # A value that reads back differently, such as 1e400 or a tuple, would fail verification
        # later.
        again = encode(decode(encode(made)))
    except (ValueError, TypeError) as error:
        raise AuditError(
            f"a {record.action} cannot be written to the audit trail: {error}"
        ) from error

    if again != encode(made):
        raise AuditError(f"a {record.action} has details that JSON does not keep: {record.details}")

    return made


def digest(record: Record) -> str:
    """SHA-256 of the record's canonical bytes without its own hash, in hex."""
    # Each record holds its own hash too. With that of the one before alone, nothing would cover the
    # last record.
    return hashlib.sha256(encode(msgspec.structs.replace(record, sha256=""))).hexdigest()


def encode(record: Record) -> bytes:
    """Canonical JSON: fields in order, keys of `details` sorted, no blanks, UTF-8; not finite
    numbers as null.
    """
    try:
        return msgspec.json.encode(record, order="deterministic")
    except (TypeError, ValueError) as error:
        raise AuditError(
            f"a {record.action} cannot be written to the audit trail: {error}"
        ) from error


def decode(line: bytes) -> Record:
    """The record in a line; msgspec's ValidationError or DecodeError if it holds none."""
    return msgspec.json.decode(line, type=Record)


def customer_subject(customer_id: str, *, key: str) -> str:
    """How the trail names a customer: HMAC-SHA-256 of the id under the
    installation's secret key.
    """
    return f"customer {hmac.new(key.encode(), customer_id.encode(), hashlib.sha256).hexdigest()}"
