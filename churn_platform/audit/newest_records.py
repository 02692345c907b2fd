"""The newest records of the trail as a page shows them, to those who may not know customers."""

from collections.abc import Sequence

from churn_platform import markdown
from churn_platform.audit.audit_record import Record
from churn_platform.masking import masked_id

HEAD = ("number", "time (UTC)", "actor", "action", "portfolio", "subject")


def as_markdown(records: Sequence[Record], *, newest: int) -> str:
    """A table of the `newest` records, the last one first; a customer's id is masked."""
    rows = []
    for record in records[: -newest - 1 : -1]:
        when = f"{record.at:%Y-%m-%d %H:%M:%S}"
        said = (record.by, record.action, record.portfolio, _masked(record.subject))
        rows.append((record.sequence, when, *said))
    return markdown.table(HEAD, rows, align="rlllll")


def _masked(subject: str) -> str:
    kind, _, name = subject.partition(" ")
    return f"{kind} {masked_id(name)}" if kind == "customer" else subject
