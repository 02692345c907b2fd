"""Which months are missing from what the features of a month look back on."""

from collections.abc import Collection
from datetime import date

import duckdb

from churn_platform.months import month_range, shift
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.tables import table_exists

LOOK_BACK_MONTHS = 5  # before the month itself; the farthest that a feature reads


def look_back_months(portfolio: Portfolio) -> int:
    """Months before a month that its spine and features look back on."""
    return max(LOOK_BACK_MONTHS, portfolio.label.spine_months)


def made_months(connection: duckdb.DuckDBPyConnection, table: str) -> set[date]:
    """The months that a table has rows of."""
    if not table_exists(connection, table):
        return set()
    rows = connection.execute(f"select distinct month from {table}").fetchall()
    return {row[0] for row in rows}


def missing_before(
    month: date, made: Collection[date], look_back: int = LOOK_BACK_MONTHS
) -> list[date]:
    """Months that are not `made` among the `look_back` ones before `month`, oldest first; none
    before the first made.
    """
    # Before the first month there is nothing to miss: a young operator has no history.
    first_made = min(made, default=month)
    first = max(first_made, shift(month, -look_back))
    missing = []
    for each in month_range(first, month):
        if each < month and each not in made:
            missing.append(each)

    return missing
