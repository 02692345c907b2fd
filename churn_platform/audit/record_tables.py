"""Records of the trail as a page shows them, to those who may not know customers."""

from collections.abc import Sequence

from churn_platform import markdown
from churn_platform.audit.audit_record import Record
from churn_platform.masking import masked_id

HEAD = ("number", "time (UTC)", "actor", "action", "portfolio", "subject")
CHAMPIONS_HEAD = ("version", "since (UTC)", "act", "actor", "reason")


def as_markdown(records: Sequence[Record], *, newest: int) -> str:
    """A table of the `newest` records, the last one first; a customer's id is masked."""
    rows = []
    for record in records[: -newest - 1 : -1]:
        said = (record.by, record.action, record.portfolio, _masked(record.subject))
        rows.append((record.sequence, _instant(record), *said))
    return markdown.table(HEAD, rows, align="rlllll")


def champions_as_markdown(crowned: Sequence[Record]) -> str:
    """A table of the acts that made a champion, the last one first."""
    rows = []
    for record in reversed(crowned):
        rows.append((record.version, _instant(record), record.action, record.by, record.reason))

    return markdown.table(CHAMPIONS_HEAD, rows, align="rllll")


def _instant(record: Record) -> str:
    return f"{record.at:%Y-%m-%d %H:%M:%S}"


def _masked(subject: str) -> str:
    kind, _, name = subject.partition(" ")
    return f"{kind} {masked_id(name)}" if kind == "customer" else subject
