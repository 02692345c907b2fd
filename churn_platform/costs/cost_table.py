"""The month's cost of an installation: what it has on record and weighs, at the prices that are
set.
"""

from datetime import date

import duckdb
import pyarrow as pa

from churn_platform.costs.price import MonthCost, Prices, month_cost
from churn_platform.costs.usage import read_usage
from churn_platform.housekeeping.clean_up import weigh
from churn_platform.settings import Settings
from churn_platform.warehouse.tables import replace_rows

TABLE = "platform.infrastructure_cost"
COLUMNS = {
    "month": "date",
    "item": "varchar",
    "quantity": "double",
    "unit": "varchar",
    "price_eur": "double",
    "cost_eur": "double",
}


def prices_of(settings: Settings) -> Prices:
    """The prices that are set."""
    return Prices(
        cpu_hour_eur=settings.cost_cpu_hour_eur,
        gb_hour_eur=settings.cost_gb_hour_eur,
        gb_month_eur=settings.cost_gb_month_eur,
        standing_month_eur=settings.cost_standing_month_eur,
        budget_year_eur=settings.cost_budget_year_eur,
    )


def cost_of(settings: Settings, month: date) -> MonthCost:
    """What a month has cost so far, all portfolios together."""
    usage = read_usage(settings.costs_path)
    # As of now: storage of the past is not recorded, and a month's bill is made at its end.
    stored = sum(size.size_bytes for size in weigh(settings).values())
    return month_cost(usage, month, storage_bytes=stored, prices=prices_of(settings))


def replace_cost(connection: duckdb.DuckDBPyConnection, cost: MonthCost) -> int:
    """Put a month's items in place of those before; returns their number. To be called in a
    transaction.
    """
    rows = []
    for item in cost.items:
        row = {
            "month": cost.month,
            "item": item.name,
            "quantity": item.quantity,
            "unit": item.unit,
            "price_eur": item.price_eur,
            "cost_eur": item.cost_eur,
        }
        rows.append(row)

    return replace_rows(connection, TABLE, COLUMNS, cost.month, pa.Table.from_pylist(rows))
