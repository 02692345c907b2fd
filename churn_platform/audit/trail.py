"""Reads decisions out of the audit trail."""

from collections.abc import Iterable
from datetime import datetime

from churn_platform.audit.audit_record import Record

CROWNING = ("promotion", "approval", "rollback")


def select(
    records: Iterable[Record],
    *,
    portfolio: str | None = None,
    action: str | None = None,
    since: datetime | None = None,
) -> list[Record]:
    """The records of a portfolio, of an action, from an instant on; what is
    None does not narrow.
    """
    return [
        record
        for record in records
        if (portfolio is None or record.portfolio == portfolio)
        and (action is None or record.action == action)
        and (since is None or record.at >= since)
    ]


def champions(records: Iterable[Record], portfolio: str) -> list[Record]:
    """Every change of a portfolio's champion, oldest first; the version that
    came is the record's.
    """
    return [
        record for record in records if record.portfolio == portfolio and record.action in CROWNING
    ]


def champion_at(records: Iterable[Record], portfolio: str, instant: datetime) -> Record | None:
    """The record that made the champion of an instant; a change counts from its own instant on.
    None before the first.

    Where clocks of several hosts disagree the order of the trail counts, not that of the times in
    it.
    """
    made = [record for record in champions(records, portfolio) if record.at <= instant]
    # The last in the trail's order, which the chain proves. Clocks of several hosts may disagree.
    return made[-1] if made else None


def last_model_publication(records: Iterable[Record], portfolio: str) -> Record | None:
    """The newest publication of a model on record, of any version: one is live at a time."""
    found = select(records, portfolio=portfolio, action="publication")
    return next((record for record in reversed(found) if record.version is not None), None)


def last_features_publication(
    records: Iterable[Record], portfolio: str, month: str
) -> Record | None:
    """The newest publication of a month's features ('YYYY-MM') on record: each month has files of
    its own.
    """
    found = select(records, portfolio=portfolio, action="publication")
    return next((record for record in reversed(found) if record.subject == f"month {month}"), None)
