"""The small tables that go along with a month of the read model: what a campaign should bring and
brought, how good the model is, and who decided what on it.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import duckdb

from churn_platform.audit.audit_record import Record
from churn_platform.audit.trail import champions, refused_by_person
from churn_platform.campaign import outcome_table, uplift_table
from churn_platform.campaign.contact_decisions import count_decisions
from churn_platform.monitoring.monitoring_tables import (
    FEATURE_DRIFT,
    MODEL_PERFORMANCE,
    PREDICTION_DRIFT,
    RETRAINING_DECISION,
)
from churn_platform.months import label, shift
from churn_platform.portfolios.spec import Portfolio
from churn_platform.promotion.rules import AWAITING_APPROVAL
from churn_platform.published.page_bundle import HISTORY_MONTHS, Figures, Rows
from churn_platform.read_model.experiment_rows import experiment_rows
from churn_platform.warehouse.tables import read_rows, table_exists

SERIES = (RETRAINING_DECISION, PREDICTION_DRIFT, MODEL_PERFORMANCE, FEATURE_DRIFT)
"""Tables of which the page shows months side by side."""
NEWEST = ("fairness_report", "explanations")
"""Tables about a version, of the newest month that has any."""
OF_MONTH = ("campaign_economics", "campaign_sensitivity")
LONG = ("evidence",)  # columns of JSON that no page shows


def figures_of(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    records: Sequence[Record],
) -> Figures:
    """All small tables of a month, as JSON takes them."""
    tables: dict[str, Rows] = {}
    for name in OF_MONTH:
        tables[name] = read_rows(connection, f"{portfolio.name}.{name}", month)
    for name in (outcome_table.NAME, uplift_table.NAME):
        tables[name] = _newest(connection, portfolio, name, month)
    for name in NEWEST:
        tables[name] = _newest(connection, portfolio, name, month)
    for name in SERIES:
        tables[name] = _series(connection, portfolio, name, month)
    evaluations = _series(connection, portfolio, "evaluation", month, since=date.min)
    tables["evaluations"] = evaluations
    tables["waiting"] = _waiting(evaluations, records, portfolio.name)
    tables["experiments"] = experiment_rows(records, portfolio.name)
    tables["champions"] = _champions(records, portfolio.name)
    tables["decisions"] = [
        {"decision": decision, "customers": count}
        for decision, count in count_decisions(connection, portfolio, month).items()
    ]
    tables["months"] = _months(connection, portfolio, month)
    return Figures({name: [_plain(row) for row in rows] for name, rows in tables.items()})


def _series(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    name: str,
    month: date,
    *,
    since: date | None = None,
) -> Rows:
    """A table's rows of the last twelve months, or since a month, the oldest first."""
    table = f"{portfolio.name}.{name}"
    if not table_exists(connection, table):
        return []
    first = since or shift(month, 1 - HISTORY_MONTHS)
    result = connection.execute(
        f"select * from {table} where month between ? and ? order by month", [first, month]
    )
    columns = [column[0] for column in result.description]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def _newest(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, name: str, month: date
) -> Rows:
    table = f"{portfolio.name}.{name}"
    if not table_exists(connection, table):
        return []
    row = connection.execute(f"select max(month) from {table} where month <= ?", [month]).fetchone()
    return read_rows(connection, table, row[0]) if row and row[0] else []


def _months(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> Rows:
    """Mean score and customers of each of the last twelve months."""
    result = connection.execute(
        "select month, count(*) as customers, avg(churn_probability) as score_mean, "
        f"max(model_version) as model_version from {portfolio.name}.monthly_scores "
        "where month between ? and ? group by month order by month",
        [shift(month, 1 - HISTORY_MONTHS), month],
    )
    columns = [column[0] for column in result.description]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def _champions(records: Sequence[Record], portfolio: str) -> Rows:
    """Every change of champion, the newest first."""
    return [
        {
            "version": record.version,
            "at": record.at,
            "action": record.action,
            "by": record.by,
            "reason": record.reason,
        }
        for record in reversed(champions(records, portfolio))
    ]


def _waiting(evaluations: Rows, records: Sequence[Record], portfolio: str) -> Rows:
    """The newest evaluation, if it waits for a person: of those before none can be approved any
    more.
    """
    settled = {record.version for record in champions(records, portfolio)}
    settled |= refused_by_person(records, portfolio)
    newest = evaluations[-1:]
    return [
        row
        for row in newest
        if row["outcome"] == AWAITING_APPROVAL and row["challenger_version"] not in settled
    ]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in row.items() if name not in LONG}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return label(value)
    if isinstance(value, float) and value != value:
        return None
    return json.loads(json.dumps(value))
