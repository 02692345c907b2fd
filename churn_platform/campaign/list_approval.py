"""A person's approval of a month's list, where the campaign asks for one before it goes out.

The approval is a record of the audit trail, and names the list by its digest: a list that was made
again since, of other scores or after somebody opted out, is another one and waits again.
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from typing import Any, Final

import duckdb

from churn_platform.audit.audit_record import Record
from churn_platform.audit.trail import select
from churn_platform.campaign.contact_list import summarise
from churn_platform.campaign.hand_over import WAITING, hand_over_of
from churn_platform.errors import DataError
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.tables import table_exists, write

ACTION: Final = "list_approval"
DIGEST = "list_sha256"


def release_if_approved(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    portfolio: Portfolio,
    month: date,
    records: Iterable[Record],
) -> None:
    """Let the month's list go out if it waits and the trail has the approval of this very list."""
    found = hand_over_of(connection, portfolio, month)
    if found.state != WAITING:
        return

    digest = list_digest(connection, portfolio, month)
    approvals = select(
        records,
        portfolio=portfolio.name,
        action=ACTION,
    )
    for record in approvals:
        if record.details[DIGEST] == digest:
            _release(connection, lake, portfolio, month)
            return


def approve_list(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    portfolio: Portfolio,
    month: date,
    *,
    record: Callable[[dict[str, Any]], object],
) -> None:
    """Let the month's list go out, on record first; DataError if it does not wait for approval.

    record: writes the audit record with these details.
    """
    counted: dict[str, float] = {}
    table = f"{portfolio.name}.contact_list"
    if table_exists(connection, table):
        counted = summarise(connection, portfolio, month)
    if not counted.get("contacts"):
        raise DataError(
            f"{portfolio.name} has no contacts in {label(month)}; "
            f"materialize {portfolio.name}/contact_list"
        )

    found = hand_over_of(connection, portfolio, month)
    if found.state != WAITING:
        raise DataError(
            f"the list of {label(month)} does not wait for approval: it is {found.words}"
        )

    # On record first: what a kill cuts short is completed by `release_if_approved`.
    details = {
        "model_version": found.version,
        DIGEST: list_digest(connection, portfolio, month),
        **counted,
    }
    record(details)
    _release(connection, lake, portfolio, month)


def list_digest(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> str:
    """SHA-256 of who is on the month's list, in which role and with which offer."""
    rows = connection.execute(
        f"select customer_id, role, offer, channel from {portfolio.name}.contact_list "
        "where month = ? order by customer_id",
        [month],
    ).fetchall()
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def _release(
    connection: duckdb.DuckDBPyConnection, lake: Lake, portfolio: Portfolio, month: date
) -> None:
    query = f"update {portfolio.name}.contact_list set held_because = null where month = ?"
    note = f"{portfolio.name} contact list of {label(month)} approved"
    write(connection, lake, partial(connection.execute, query, [month]), note=note)
