"""Sensors that carry a decision to a training, and a new champion to a month scored by it.

Each keeps in its cursor what it has acted on. Dagster stores cursor and run requests in one step
before it launches anything, so a daemon that dies in between neither loses nor repeats a run.
"""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from dagster import (
    AssetKey,
    DagsterInstance,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from churn_platform.bundles.shared_portfolio import live_now
from churn_platform.graph.run_requests import (
    Jobs,
    materialized_months,
    months_of_events,
    new_materializations,
    pending_months,
    read_lake,
    run_request,
    switched,
)
from churn_platform.monitoring.monitoring_tables import RETRAINING_DECISION
from churn_platform.monitoring.reference import judged_months
from churn_platform.months import label, parse_month
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.format import features_dir, read_features_manifest
from churn_platform.settings import Settings
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.tables import read_rows, table_exists


def retraining_sensor(portfolio: Portfolio, settings: Settings, jobs: Jobs) -> SensorDefinition:
    """Asks for the training that a decision asks for."""
    decided = AssetKey([portfolio.name, RETRAINING_DECISION])

    @sensor(
        name=f"{portfolio.name}_retraining",
        job=jobs[f"{portfolio.name}_training"],
        minimum_interval_seconds=settings.automation_interval_seconds,
        default_status=switched(settings.automation_retraining),
        description=(
            "Trains the month whose retraining_decision asks for it; the reasons "
            "and evidence are in the tags."
        ),
    )
    def retraining(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        events = new_materializations(context.instance, decided, int(context.cursor or 0))
        if not events:
            return SkipReason("no new decision")

        newest = events[-1].storage_id
        with read_lake(Lake.of(settings)) as connection:
            row = standing_flag(connection, portfolio, months_of_events(events))

        if row is None:
            return SensorResult(skip_reason="no training is asked for", cursor=str(newest))

        request = run_request(
            portfolio,
            "training",
            row["month"],
            row["month"],
            because="; ".join(row["reasons"]),
            key=f"{portfolio.name} decision {newest}",
            evidence=row["evidence"],
        )
        return SensorResult([request], cursor=str(newest))

    return retraining


def standing_flag(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, months: set[date]
) -> dict[str, Any] | None:
    """The decision of the newest month decided on, if it is one of `months` and asks for a training
    not done yet.

    An older flag has no standing: the newer decision knew what it knew. So a backfill trains once
    at most.
    """
    table = f"{portfolio.name}.{RETRAINING_DECISION}"
    if not table_exists(connection, table):
        return None

    # An older flag is void: the decision of the newest month knew all that it knew.
    (newest,) = connection.execute(f"select max(month) from {table}").fetchone() or (None,)
    if newest not in months:
        return None

    judged = judged_months(connection, portfolio)
    if any(month >= newest for month in judged):
        return None

    (row,) = read_rows(connection, table, newest)
    return row if row["retraining_required"] else None


def _newest_scores(
    instance: DagsterInstance, features: AssetKey, root: Path, live_month: str | None
) -> tuple[date | None, int | None]:
    """The month that is live and the version that scored it; before the first, the newest that can
    be scored.
    """
    if live_month:
        return parse_month(live_month), read_features_manifest(
            features_dir(root, live_month)
        ).scored_by
    return max(materialized_months(instance, features), default=None), None


def rescoring_sensor(portfolio: Portfolio, settings: Settings, jobs: Jobs) -> SensorDefinition:
    """Asks for scores by a champion that has not made the published ones."""
    root = settings.published_dir / portfolio.name
    features = AssetKey([portfolio.name, "customer_features"])

    @sensor(
        name=f"{portfolio.name}_rescoring",
        job=jobs[f"{portfolio.name}_scores"],
        minimum_interval_seconds=settings.automation_interval_seconds,
        default_status=switched(settings.automation_rescoring),
        description=(
            "Scores and publishes the newest month again when another version has become champion."
        ),
    )
    def rescoring(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        # State, not events: a rollback by command changes live.json as a promotion by a run does,
        # and both must lead to new scores.
        live = live_now(settings, portfolio.name)
        if live is None or live.champion is None:
            return SkipReason("there is no champion")

        month, scored_by = _newest_scores(context.instance, features, root, live.features_month)
        wanted = f"{live.champion} {month and label(month)}"
        if month is None or scored_by == live.champion or context.cursor == wanted:
            return SensorResult(
                skip_reason=f"scores are those of version {scored_by}", cursor=wanted
            )

        # Whoever asked for it. Should it have begun under the former champion, its scores say so.
        if run_id := pending_months(context.instance, portfolio, "scores").get(month):
            return SkipReason(f"run {run_id} is scoring {label(month)}")

        because = f"version {live.champion} is champion, scores are of " + (
            f"{scored_by}" if scored_by else "none"
        )
        return SensorResult(
            [run_request(portfolio, "scores", month, month, because=because, key=None)],
            cursor=wanted,
        )

    return rescoring
