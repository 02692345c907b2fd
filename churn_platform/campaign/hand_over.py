"""Whether a month's list is handed over, and what those who read it are told: whose model made it,
and whether it is kept although another model scores the month now.

All of it is read from the tables. So a list that is exported again, as after an erasure, says the
same.
"""

from dataclasses import dataclass
from datetime import date

import duckdb

from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.page_bundle import LIST_HELD, LIST_WAITING
from churn_platform.warehouse.tables import read_columns, table_exists

HANDED_OVER, KEPT = "handed over", "kept as handed over"
HELD, WAITING = LIST_HELD, LIST_WAITING
AWAITS_APPROVAL = "it waits for a person's approval"
"""Why a list is not handed over yet that nothing speaks against."""


@dataclass(frozen=True)
class HandOver:
    """A list's state, its model's version, and the same in a sentence.

    `version` is None for an empty list.
    """

    state: str
    version: int | None
    words: str


def hand_over_of(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> HandOver:
    """The state of the month's list, which must have been made."""
    listed = f"{portfolio.name}.contact_list"
    version = _version(connection, listed, month)
    if version is None:
        return HandOver(HANDED_OVER, None, "handed over; it names no customer")

    made = f"made by model version {version}"
    if because := held_because(connection, listed, month):
        if because == AWAITS_APPROVAL:
            return HandOver(WAITING, version, f"{WAITING}, {made}")
        return HandOver(HELD, version, f"held back, {made}: {because}")

    now = _version(connection, f"{portfolio.name}.monthly_scores", month)
    if now not in (None, version):
        words = f"kept as handed over, {made}; version {now} scores the month now"
        return HandOver(KEPT, version, words)

    return HandOver(HANDED_OVER, version, f"handed over, {made}")


def held_because(connection: duckdb.DuckDBPyConnection, table: str, month: date) -> str | None:
    """Why the month's list is not handed over; None if it is, or if there is no list."""
    if not table_exists(connection, table):
        return None
    # Lists from before nothing was held back have no such column.
    if "held_because" not in read_columns(connection, table):
        return None

    row = connection.execute(
        f"select max(held_because) from {table} where month = ?", [month]
    ).fetchone()
    return row[0] if row else None


def _version(connection: duckdb.DuckDBPyConnection, table: str, month: date) -> int | None:
    """The newest model version in the month's rows; None without rows."""
    if not table_exists(connection, table):
        return None
    row = connection.execute(
        f"select max(model_version) from {table} where month = ?", [month]
    ).fetchone()
    return row[0] if row else None
