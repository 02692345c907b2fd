"""A lake with scores to choose contacts from."""

from collections.abc import Iterable
from contextlib import closing
from datetime import date
from typing import Any

import duckdb
import pytest

from churn_platform.campaign.contact_list import UPLIFT_COLUMNS, UPLIFT_TABLE
from churn_platform.portfolios.economics import Campaign
from churn_platform.portfolios.spec import Portfolio
from churn_platform.scoring.score import SCORE_COLUMNS
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.support.tiny import JANUARY, TINY


@pytest.fixture
def connection(lake) -> Iterable[duckdb.DuckDBPyConnection]:
    """An empty lake."""
    with closing(connect(lake)) as connection:
        yield connection


def with_campaign(**campaign: Any) -> Portfolio:
    """The tiny portfolio with another campaign; a contact costs 35 EUR, 4 in 10 accept, a kept
    customer saves 180.
    """
    return TINY.model_copy(update={"campaign": Campaign(**campaign)})


def add_scores(connection: duckdb.DuckDBPyConnection, probability: dict[str, float]) -> None:
    """January's scores, by customer."""
    ensure_table(connection, "tiny.monthly_scores", SCORE_COLUMNS)
    rows = [
        (JANUARY, name, value, "high", 1, ["Because"], 3) for name, value in probability.items()
    ]
    _insert(connection, "tiny.monthly_scores", rows)


def add_uplift(
    connection: duckdb.DuckDBPyConnection, uplift: dict[str, float], *, month: date = JANUARY
) -> None:
    """Uplift by customer, as where ranking by it was shown to earn more; none
    where there is none.
    """
    if uplift:
        ensure_table(connection, f"tiny.{UPLIFT_TABLE}", UPLIFT_COLUMNS)
        rows = [(month, name, value) for name, value in uplift.items()]
        _insert(connection, f"tiny.{UPLIFT_TABLE}", rows)


def add_campaign_rows(
    connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]
) -> None:
    """Rows of a landed campaign table, as far as the contact list reads it."""
    columns = {
        "contact_preferences": {
            "month": "date",
            "customer_id": "varchar",
            "is_opted_out": "boolean",
            "is_ineligible": "boolean",
        },
        "campaign_contacts": {"month": "date", "customer_id": "varchar"},
    }[table]
    ensure_table(connection, f"tiny_raw.{table}", columns)
    _insert(connection, f"tiny_raw.{table}", rows)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    """Rows in one statement: the lake would make a state of its own for each row."""
    if not rows:
        return
    row = f"({', '.join('?' * len(rows[0]))})"
    values = [value for given in rows for value in given]
    connection.execute(f"insert into {table} values {', '.join([row] * len(rows))}", values)
