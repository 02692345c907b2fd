"""The outcomes of campaigns as rows of the warehouse: the month's, and all months' so far."""

from dataclasses import asdict
from datetime import date
from typing import Any

import duckdb

from churn_platform.campaign.contact_list import planned_control_share
from churn_platform.campaign.outcome import ALL_OFFERS, MONTH, add_up, measure_outcome
from churn_platform.campaign.programme import PROGRAMME, PROGRAMME_TO_DATE, find_programme
from churn_platform.campaign.randomised import read_randomised
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.tables import dicts, replace_dicts, table_exists

NAME = "campaign_outcome"
COLUMNS = {
    "month": "date",
    "period": "varchar",
    "offer": "varchar",
    "treated": "bigint",
    "control": "bigint",
    "contacted": "bigint",
    "control_contacted": "bigint",
    "response_rate": "double",
    "treated_churn_rate": "double",
    "control_churn_rate": "double",
    "effect": "double",
    "effect_low": "double",
    "effect_high": "double",
    "kept": "double",
    "kept_low": "double",
    "kept_high": "double",
    "cost_eur": "double",
    "profit_eur": "double",
    "profit_low_eur": "double",
    "profit_high_eur": "double",
    "mismatch_p_value": "double",
    "is_trusted": "boolean",
    "verdict": "varchar",
}
Rows = list[dict[str, Any]]


def find_outcome(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> Rows:
    """Rows about the list whose outcomes matured in `month`, over all offers first, then all months
    up to it, then all campaigns against the standing hold-out.

    None if no list was worked off, or it had no control group.
    """
    customers = read_randomised(connection, portfolio, month)
    share = planned_control_share(portfolio.campaign)

    rows = []
    for outcome in measure_outcome(customers, control_share=share):
        rows.append(asdict(outcome))

    if not rows:
        return []

    # Earlier months from the table: each has its own figures and interval, which add up.
    earlier = _earlier(connection, portfolio, month, MONTH)
    if so_far := add_up([*earlier, rows[0]]):
        rows.append(so_far)

    if programme := find_programme(connection, portfolio, month):
        rows.append(programme)
        earlier = _earlier(connection, portfolio, month, PROGRAMME)
        if so_far := add_up([*earlier, programme]):
            rows.append(so_far | {"period": PROGRAMME_TO_DATE})

    return rows


def true_profit(rows: Rows) -> dict[str, float]:
    """What the month's list earned and kept, as far as its figures may be believed; none if not."""
    if not rows or not rows[0]["is_trusted"]:
        return {}
    names = ("profit_eur", "profit_low_eur", "profit_high_eur", "kept", "treated")
    return {f"true_{name}": rows[0][name] for name in names}


def _earlier(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, period: str
) -> Rows:
    table = f"{portfolio.name}.{NAME}"
    if not table_exists(connection, table):
        return []

    earlier = connection.execute(
        f"select * exclude (month) from {table} where month < ? and period = ? "
        "and offer = ? order by month",
        [month, period, ALL_OFFERS],
    )
    return dicts(earlier)


def replace_outcome(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, rows: Rows
) -> None:
    """Put the outcome of a month in place of the one before. To be called in a transaction."""
    replace_dicts(connection, f"{portfolio.name}.{NAME}", COLUMNS, month, rows)
