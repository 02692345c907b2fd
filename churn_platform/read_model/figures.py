"""The small tables that go along with a month of the read model: what a campaign should bring and
brought, how good the model is, and who decided what on it.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from math import isnan
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
from churn_platform.warehouse.tables import dicts, read_rows, table_exists

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
    # The outcome of a list matures months after it, so the newest is of an earlier month.
    for name in (outcome_table.NAME, uplift_table.NAME, *NEWEST):
        tables[name] = _newest(connection, portfolio, name, month)
    for name in SERIES:
        tables[name] = _series(connection, portfolio, name, month)

    # From the first on: the page tells the whole history of a model.
    evaluations = _series(
        connection,
        portfolio,
        "evaluation",
        month,
        since=date.min,
    )
    tables["evaluations"] = evaluations
    tables["waiting"] = _waiting(evaluations, records, portfolio.name)
    tables["experiments"] = experiment_rows(connection, portfolio, records)
    tables["champions"] = _champions(records, portfolio.name)
    tables["decisions"] = _decisions(connection, portfolio, month)
    tables["months"] = _months(connection, portfolio, month)

    plain: dict[str, Rows] = {}
    for name, rows in tables.items():
        plain[name] = [_plain(row) for row in rows]
    return Figures(plain)


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
    # The first month of a portfolio comes before its first evaluation.
    if not table_exists(connection, table):
        return []

    first = since or shift(month, 1 - HISTORY_MONTHS)
    query = f"select * from {table} where month between ? and ? order by month"
    return dicts(connection.execute(query, [first, month]))


def _newest(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, name: str, month: date
) -> Rows:
    table = f"{portfolio.name}.{name}"
    if not table_exists(connection, table):
        return []

    # Not later ones: a month of the past is shown as it was.
    query = f"select max(month) from {table} where month <= ?"
    row = connection.execute(query, [month]).fetchone()
    assert row is not None, "an aggregate has a row"
    newest = row[0]
    return read_rows(connection, table, newest) if newest else []


def _decisions(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> Rows:
    rows = []
    for decision, customers in count_decisions(connection, portfolio, month).items():
        rows.append({"decision": decision, "customers": customers})
    return rows


def _months(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> Rows:
    """Mean score and customers of each of the last twelve months."""
    first = shift(month, 1 - HISTORY_MONTHS)
    query = (
        "select month, count(*) as customers, avg(churn_probability) as score_mean, "
        f"max(model_version) as model_version from {portfolio.name}.monthly_scores "
        "where month between ? and ? group by month order by month"
    )
    return dicts(connection.execute(query, [first, month]))


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
    if not evaluations:
        return []

    newest = evaluations[-1]
    if newest["outcome"] != AWAITING_APPROVAL:
        return []

    # The row stays as it was judged; what a person decided on it is in the trail alone.
    settled = {record.version for record in champions(records, portfolio)}
    settled |= refused_by_person(records, portfolio)
    is_settled = newest["challenger_version"] in settled
    return [] if is_settled else [newest]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    plain = {}
    for name, value in row.items():
        if name not in LONG:
            plain[name] = _value(value)
    return plain


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return label(value)
    # JSON has no NaN; a browser would refuse the whole file.
    if isinstance(value, float) and isnan(value):
        return None
    return json.loads(json.dumps(value))
