"""The table `evaluation`: one row per month with the decision, its reason and all numbers that it
rests on.
"""

import json
from dataclasses import asdict
from datetime import date
from typing import Any

import duckdb

from churn_platform.errors import TrainingError
from churn_platform.metrics.comparison import CONFIDENCE
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.promotion.evaluate import Evaluation, JudgedVersion
from churn_platform.promotion.rules import AWAITING_APPROVAL
from churn_platform.warehouse.tables import delete_month, ensure_table, read_rows, table_exists

COLUMNS = {
    "month": "date",
    "challenger_version": "integer",
    "champion_version": "integer",
    "is_promoted": "boolean",
    "reason": "varchar",
    "evidence": "varchar",
    "outcome": "varchar",
}


def replace_evaluation(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    evaluation: Evaluation,
    *,
    notes: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Record the evaluation of a month, in place of the one before; `notes` go into the evidence.
    Returns the row.

    To be called in a transaction.
    """
    table = f"{portfolio.name}.evaluation"
    ensure_table(connection, table, COLUMNS)
    delete_month(connection, table, evaluation.month)
    champion = evaluation.champion
    decision = evaluation.decision
    told = {**evidence(portfolio, evaluation), **(notes or {})}
    row = {
        "month": evaluation.month,
        "challenger_version": evaluation.challenger.version,
        "champion_version": champion.version if champion else None,
        "is_promoted": decision.promoted,
        "reason": decision.reason,
        "evidence": json.dumps(told),
        "outcome": decision.outcome,
    }
    names = ", ".join(row)
    places = ", ".join("?" for _ in row)
    connection.execute(f"insert into {table} ({names}) values ({places})", list(row.values()))
    return row


def evidence(portfolio: Portfolio, evaluation: Evaluation) -> dict[str, Any]:
    """Every number of an evaluation, as JSON takes it."""
    difference = evaluation.decision.difference
    return {
        "challenger": _evidence_of(evaluation.challenger),
        "champion": _evidence_of(evaluation.champion) if evaluation.champion else None,
        "auc_difference": asdict(difference) | {"confidence": CONFIDENCE} if difference else None,
        "compared_customers": evaluation.compared_customers,
        "gates": portfolio.gates.model_dump(),
        "economics": portfolio.economics.model_dump(),
        "approval": portfolio.approval,
    }


def _evidence_of(judged: JudgedVersion) -> dict[str, Any]:
    standing = judged.standing
    return {
        "version": judged.version,
        "threshold": judged.threshold,
        "metrics": standing.metrics.as_dict() if standing.metrics else None,
        "intervals": judged.intervals,
        "reliability": [asdict(part) for part in judged.reliability],
        "degenerate": standing.degenerate,
        "barred": standing.barred,
        "fairness": asdict(standing.fairness) if standing.fairness else None,
        "export": asdict(judged.export),
        "known_customers": judged.known_customers,
    }


def read_evaluation(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> dict[str, Any] | None:
    """The recorded evaluation of a month; None if there is none. Columns younger than the table
    are None.
    """
    rows = read_rows(connection, f"{portfolio.name}.evaluation", month)
    # Existing tables lack columns that came later.
    return dict.fromkeys(COLUMNS, None) | rows[0] if rows else None


def recorded_evaluation(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> dict[str, Any]:
    """The recorded evaluation of a month; TrainingError if there is none."""
    if row := read_evaluation(connection, portfolio, month):
        return row
    raise TrainingError(
        f"no evaluation of {portfolio.name} for {label(month)}; "
        f"materialize {portfolio.name}/evaluation first"
    )


def evaluations_of(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, version: int
) -> list[dict[str, Any]]:
    """The evaluations of a version, oldest first."""
    return [row for row in _all(connection, portfolio) if row["challenger_version"] == version]


def awaiting_approval(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio
) -> list[dict[str, Any]]:
    """The evaluations that ask for a person's approval, oldest first; whether it was given says the
    audit trail.
    """
    return [row for row in _all(connection, portfolio) if row["outcome"] == AWAITING_APPROVAL]


def _all(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio) -> list[dict[str, Any]]:
    """Every evaluation, oldest first."""
    table = f"{portfolio.name}.evaluation"
    if not table_exists(connection, table):
        return []

    months = connection.execute(f"select month from {table} order by month").fetchall()
    rows = [read_evaluation(connection, portfolio, month) for (month,) in months]
    return [row for row in rows if row]
