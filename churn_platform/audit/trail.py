"""Reads decisions out of the audit trail."""

from collections.abc import Iterable
from datetime import datetime

from churn_platform.audit.record import Record


def select(
    records: Iterable[Record], *, portfolio: str | None = None, action: str | None = None, since: datetime | None = None
) -> list[Record]:
    """The records of a portfolio, of an action, from an instant on; what is None does not narrow."""
    return [
        record
        for record in records
        if (portfolio is None or record.portfolio == portfolio)
        and (action is None or record.action == action)
        and (since is None or record.at >= since)
    ]
