"""Reads decisions out of the audit trail."""

from collections.abc import Iterable
from datetime import datetime

from churn_platform.audit.audit_record import Record

CROWNING = ("promotion", "approval", "rollback")
BY_PERSON = "by_person"  # in the details of a refusal that a person decided


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
    found = []
    for record in records:
        if portfolio is not None and record.portfolio != portfolio:
            continue
        if action is not None and record.action != action:
            continue
        if since is not None and record.at < since:
            continue
        found.append(record)

    return found


def champions(records: Iterable[Record], portfolio: str) -> list[Record]:
    """Every change of a portfolio's champion, oldest first; the version that
    came is the record's.
    """
    crowned = []
    for record in records:
        if record.portfolio == portfolio and record.action in CROWNING:
            crowned.append(record)

    return crowned


def refused_by_person(records: Iterable[Record], portfolio: str) -> set[int | None]:
    """The versions that a person refused."""
    refusals = select(records, portfolio=portfolio, action="refusal")
    return {record.version for record in refusals if record.details.get(BY_PERSON)}


def champion_at(records: Iterable[Record], portfolio: str, instant: datetime) -> Record | None:
    """The record that made the champion of an instant; a change counts from its own instant on.
    None before the first.

    Where clocks of several hosts disagree the order of the trail counts, not that of the times in
    it.
    """
    # The last in the trail's order, which the chain proves. Clocks of several hosts may disagree.
    for record in reversed(champions(records, portfolio)):
        if record.at <= instant:
            return record
    return None


def last_model_publication(records: Iterable[Record], portfolio: str) -> Record | None:
    """The newest publication of a model on record, of any version: one is live at a time."""
    published = select(records, portfolio=portfolio, action="publication")
    for record in reversed(published):
        if record.version is not None:
            return record
    return None


def last_features_publication(
    records: Iterable[Record], portfolio: str, month: str
) -> Record | None:
    """The newest publication of a month's features ('YYYY-MM') on record: each month has files of
    its own.
    """
    published = select(records, portfolio=portfolio, action="publication")
    for record in reversed(published):
        if record.subject == f"month {month}":
            return record
    return None
