"""Judges a challenger against the champion on one set of newest matured customers, and records the decision."""

import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np

from churn_platform.evaluation.metrics import Metrics, measure
from churn_platform.evaluation.promotion import Decision, auc_difference, decide
from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.data import Labelled
from churn_platform.training.model import ChurnModel
from churn_platform.warehouse.tables import ensure_table

COLUMNS = {
    "month": "date",
    "challenger_version": "integer",
    "champion_version": "integer",
    "is_promoted": "boolean",
    "reason": "varchar",
    "evidence": "varchar",
}


@dataclass(frozen=True)
class Contender:
    """A version that takes part in an evaluation, with the threshold it serves at."""

    version: int
    model: ChurnModel
    threshold: float


@dataclass(frozen=True)
class Evaluation:
    """The decision with every number it rests on; `champion_*` are None where there was no other champion."""

    month: date
    challenger_version: int
    challenger: Metrics
    champion_version: int | None
    champion: Metrics | None
    decision: Decision


def judge(
    portfolio: Portfolio,
    month: date,
    challenger: Contender,
    champion: Contender | None,
    customers: Labelled,
    *,
    replicates: int,
    unpublishable: str | None = None,
) -> Evaluation:
    """Both contenders on the same customers; without a champion the challenger is held against the gates alone."""
    challenging = _scored(challenger, customers, portfolio)
    serving = _scored(champion, customers, portfolio) if champion else None
    difference = (
        auc_difference(customers.churned, challenging[0], serving[0], replicates=replicates, seed=portfolio.split.seed)
        if serving
        else None
    )
    return Evaluation(
        month=month,
        challenger_version=challenger.version,
        challenger=challenging[1],
        champion_version=champion.version if champion else None,
        champion=serving[1] if serving else None,
        decision=decide(
            challenging[1],
            serving[1] if serving else None,
            difference,
            portfolio.gates,
            unpublishable=unpublishable,
        ),
    )


def _scored(contender: Contender, customers: Labelled, portfolio: Portfolio) -> tuple[np.ndarray, Metrics]:
    probability = contender.model.churn_probability(contender.model.own(customers.features, portfolio.feature_names))
    return probability, measure(customers.churned, probability, threshold=contender.threshold)


def replace_evaluation(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, evaluation: Evaluation) -> None:
    """Record the evaluation of a month, in place of the one before."""
    table = f"{portfolio.name}.evaluation"
    ensure_table(connection, table, COLUMNS)
    connection.execute(f"delete from {table} where month = ?", [evaluation.month])
    evidence = {
        "challenger": asdict(evaluation.challenger),
        "champion": asdict(evaluation.champion) if evaluation.champion else None,
        "auc_difference": asdict(evaluation.decision.difference) if evaluation.decision.difference else None,
        "gates": portfolio.gates.model_dump(),
    }
    row: list[Any] = [
        evaluation.month,
        evaluation.challenger_version,
        evaluation.champion_version,
        evaluation.decision.promoted,
        evaluation.decision.reason,
        json.dumps(evidence),
    ]
    connection.execute(f"insert into {table} values (?, ?, ?, ?, ?, ?)", row)
