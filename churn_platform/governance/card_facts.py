"""Gathers what runs recorded of a version, for its card."""

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb

from churn_platform.errors import TrainingError
from churn_platform.governance.card import Facts
from churn_platform.governance.evaluated_version import Examined
from churn_platform.governance.explanations import Importance
from churn_platform.metrics.fairness import read_fairness
from churn_platform.metrics.segments import measure_slices
from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.artifacts import FAIRNESS_FILE, IMPORTANCE_FILE, find_card, read_json
from churn_platform.training.artifacts import read_pictures as pictures_of
from churn_platform.warehouse.tables import read_rows

if TYPE_CHECKING:
    from mlflow import MlflowClient


def read_facts(
    client: "MlflowClient", connection: duckdb.DuckDBPyConnection, examined: Examined
) -> Facts:
    """The facts of the month's challenger; TrainingError if its fairness or explanations were
    not materialized.
    """
    portfolio, record = examined.portfolio, examined.record
    recorded = _recorded(client, examined)
    training = read_rows(connection, f"{portfolio.name}.training_set", examined.month)
    groups = examined.groups
    slices = measure_slices(
        {name: groups[name] for name in portfolio.slices if name in groups},
        examined.holdout.churned,
        examined.probability,
        threshold=record.threshold,
        min_outcomes=portfolio.gates.min_group_outcomes,
    )
    return Facts(
        portfolio=portfolio,
        version=examined.version,
        record=record,
        parameters=client.get_run(record.mlflow_run_id).data.params,
        training_rows=sorted(training, key=lambda row: row["features_month"]),
        ranking=[Importance(**it) for it in recorded[IMPORTANCE_FILE]],
        fairness=read_fairness(recorded[FAIRNESS_FILE]),
        slices=slices,
        evaluation=_evaluation(connection, portfolio, examined.month, examined.version),
        pictures=pictures_of(client, record.mlflow_run_id),
    )


def _recorded(client: "MlflowClient", examined: Examined) -> dict[str, Any]:
    assets = {FAIRNESS_FILE: "fairness_report", IMPORTANCE_FILE: "explanations"}
    found = {}
    lost = []
    for name, asset in assets.items():
        found[name] = read_json(client, examined.record.mlflow_run_id, name)
        if found[name] is None:
            lost.append(f"{examined.portfolio.name}/{asset}")

    if lost:
        raise TrainingError(
            f"version {examined.version} has no card without {', '.join(lost)}; "
            "materialize that first"
        )

    return found


def _evaluation(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, version: int
) -> dict[str, Any] | None:
    rows = read_rows(connection, f"{portfolio.name}.evaluation", month)
    # The table holds the newest judgement of a month; it may be of another version by now.
    if not rows or rows[0]["challenger_version"] != version:
        return None

    row = dict(rows[0])
    row["evidence"] = json.loads(row["evidence"])
    return row


def read_card(client: "MlflowClient", portfolio: str, version: int, *, ending: str) -> bytes:
    """The card of a version as it was made, 'md' or 'html'; TrainingError if none was."""
    card = find_card(client, portfolio, version, ending=ending)
    if card is None:
        raise TrainingError(
            f"version {version} of {portfolio} has no model card; "
            f"materialize {portfolio}/model_card for its month"
        )

    return card
