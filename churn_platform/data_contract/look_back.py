"""Which months are missing from what the features of a month look back on."""

from datetime import date

import duckdb

from churn_platform.months import month_range, shift
from churn_platform.warehouse.tables import table_exists

LOOK_BACK_MONTHS = 5  # before the month itself; the farthest that a dbt model reads


def missing_before(connection: duckdb.DuckDBPyConnection, features_table: str, month: date) -> list[date]:
    """Months without features among those that `month` looks back on, oldest first; none before the table's first."""
    if not table_exists(connection, features_table):
        return []
    made = {row[0] for row in connection.execute(f"select distinct month from {features_table}").fetchall()}
    first = max(min(made, default=month), shift(month, -LOOK_BACK_MONTHS))
    return [each for each in month_range(first, month) if each < month and each not in made]
