"""What the lake says of portfolios: scores, drift, campaigns, and the cost of the installation."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace

import duckdb

from churn_platform.campaign import outcome_table
from churn_platform.campaign.outcome import ALL_OFFERS, TO_DATE
from churn_platform.costs import cost_table
from churn_platform.exporter import readings
from churn_platform.exporter.readings import Reading, month_instant
from churn_platform.monitoring.monitoring_tables import RETRAINING_DECISION, SEVERITIES
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import table_exists

# A scrape is not worth waiting for: the next one comes within a minute.
WAIT_SECONDS = 2.0


def read_lake(lake: Lake, portfolios: Iterable[Portfolio]) -> list[Reading]:
    """Readings of every portfolio; WarehouseError or WarehouseBusyError if the lake cannot be read.

    Reads one state of the lake and closes it again: a writer never waits for it.
    """
    found: list[Reading] = []
    wait_seconds = min(WAIT_SECONDS, lake.wait_seconds)
    # One thread: what is read is a few rows, and the host has other work.
    patient = replace(lake, wait_seconds=wait_seconds, threads=1)
    with closing(connect(patient, read_only=True)) as connection:
        for portfolio in portfolios:
            found += _scores(connection, portfolio.name)
            found += _drift(connection, portfolio.name)
            found += _campaign(connection, portfolio.name)

        found += _cost(connection)

    return found


def _scores(connection: duckdb.DuckDBPyConnection, portfolio: str) -> Iterator[Reading]:
    table = f"{portfolio}.monthly_scores"
    if not table_exists(connection, table):
        return

    query = f"select month, count(*) from {table} group by month order by month desc limit 1"
    labels = (portfolio,)
    for month, customers in connection.execute(query).fetchall():
        yield Reading(readings.SCORED_MONTH, labels, month_instant(month))
        yield Reading(readings.SCORED_CUSTOMERS, labels, customers)


def _drift(connection: duckdb.DuckDBPyConnection, portfolio: str) -> Iterator[Reading]:
    table = f"{portfolio}.{RETRAINING_DECISION}"
    if not table_exists(connection, table):
        return

    query = (
        "select month, severity, drifted_importance, score_mean_shift "
        f"from {table} order by month desc limit 1"
    )
    labels = (portfolio,)
    for month, severity, drifted, shifted in connection.execute(query).fetchall():
        # Prometheus has numbers alone; alerts compare them, so a worse one is higher.
        rank = SEVERITIES.index(severity)
        yield Reading(readings.DRIFT_MONTH, labels, month_instant(month))
        yield Reading(readings.DRIFT_SEVERITY, labels, rank)
        yield Reading(readings.DRIFTED_IMPORTANCE, labels, drifted)
        if shifted is not None:
            yield Reading(readings.SCORE_MEAN_SHIFT, labels, shifted)


def _campaign(connection: duckdb.DuckDBPyConnection, portfolio: str) -> Iterator[Reading]:
    table = f"{portfolio}.{outcome_table.NAME}"
    if not table_exists(connection, table):
        return

    query = (
        f"select profit_eur, kept, contacted from {table} where period = ? and offer = ? "
        "order by month desc limit 1"
    )
    names = (readings.CAMPAIGN_PROFIT, readings.CAMPAIGN_KEPT, readings.CAMPAIGN_CONTACTED)
    rows = connection.execute(query, [TO_DATE, ALL_OFFERS]).fetchall()
    for row in rows:
        for name, value in zip(names, row, strict=True):
            if value is not None:
                yield Reading(name, (portfolio,), value)


def _cost(connection: duckdb.DuckDBPyConnection) -> Iterator[Reading]:
    if not table_exists(connection, cost_table.TABLE):
        return

    query = (
        f"select item, cost_eur from {cost_table.TABLE} "
        f"where month = (select max(month) from {cost_table.TABLE})"
    )
    for item, cost in connection.execute(query).fetchall():
        yield Reading(readings.COST, (item,), cost)
