"""Sensors that carry a month from its landing to a decision, and a decision to a rescored month.

Each keeps in its cursor what it has acted on. Dagster stores cursor and run requests in one step before it launches
anything, so a daemon that dies in between neither loses nor repeats a run.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from dagster import (
    AssetKey,
    DagsterInstance,
    DagsterRunStatus,
    DefaultSensorStatus,
    RunRequest,
    RunStatusSensorContext,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    run_status_sensor,
    sensor,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from churn_platform.automation.landing import Landings, changed_months, due, landed_months
from churn_platform.automation.requests import (
    AUTOMATION_TAG,
    materialized_months,
    months_of_events,
    months_of_tags,
    new_materializations,
    read_lake,
    run_request,
    told,
)
from churn_platform.monitoring.tables import RETRAINING_DECISION, read_broken_months
from churn_platform.monitoring.watched import read_trainings
from churn_platform.months import label, parse_month
from churn_platform.partitions import monthly
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.contract import features_dir, read_features_manifest, read_live
from churn_platform.settings import Settings
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.tables import read_rows, table_exists

Jobs = dict[str, UnresolvedAssetJobDefinition]


def sensors(portfolio: Portfolio, settings: Settings, jobs: Jobs) -> list[SensorDefinition]:
    """The sensors of a portfolio; `jobs` are its jobs by name."""
    return [
        _landing(portfolio, settings, jobs),
        _after_features(portfolio, settings, jobs),
        _retraining(portfolio, settings, jobs),
        _rescoring(portfolio, settings, jobs),
    ]


def switched(on: bool) -> DefaultSensorStatus:
    """Whether a sensor runs from the start."""
    return DefaultSensorStatus.RUNNING if on else DefaultSensorStatus.STOPPED


def _landing(portfolio: Portfolio, settings: Settings, jobs: Jobs) -> SensorDefinition:
    features = AssetKey([portfolio.name, "customer_features"])
    raw = [AssetKey([portfolio.raw_schema, table.name]) for table in portfolio.landed_tables if not table.optional]

    @sensor(
        name=f"{portfolio.name}_landing",
        job=jobs[f"{portfolio.name}_features"],
        minimum_interval_seconds=settings.automation_interval_seconds,
        default_status=switched(settings.automation_landing),
        description="Takes in a month once all its required files have landed, and again when one is delivered again.",
    )
    def landing(context: SensorEvaluationContext) -> SensorResult:
        possible = {parse_month(key) for key in monthly(settings.first_month).get_partition_keys()}
        here = landed_months(settings.landing_dir, portfolio)
        landed = {month: state for month, state in here.items() if month in possible}
        if context.cursor is None:
            done = set.intersection(*(materialized_months(context.instance, key) for key in raw))
            known = Landings(taken={month: state for month, state in landed.items() if month in done})
        else:
            known = msgspec.json.decode(context.cursor, type=Landings)
        changed = changed_months(landed, known)
        ranges = []
        if changed:
            unfinished = set(landed) - materialized_months(context.instance, features)
            with read_lake(Lake.of(settings)) as connection:
                broken = read_broken_months(connection, portfolio.name, date.max)
            ranges = due(landed, known, unfinished=unfinished, broken=broken)
        after = Landings(seen=landed, taken=known.taken | {month: landed[month] for month in changed})
        requests = [
            run_request(
                portfolio,
                "features",
                first,
                last,
                because=f"landed: {', '.join(label(month) for month in changed if first <= month <= last)}",
                key=None,  # a key is kept for ever, and files may come back to what they were
            )
            for first, last in ranges
        ]
        return SensorResult(requests, cursor=msgspec.json.encode(after).decode())

    return landing


def _after_features(portfolio: Portfolio, settings: Settings, jobs: Jobs) -> SensorDefinition:
    features = jobs[f"{portfolio.name}_features"]
    following = [jobs[f"{portfolio.name}_{stage}"] for stage in ("scores", "serving", "monitoring", "training")]

    @run_status_sensor(
        run_status=DagsterRunStatus.SUCCESS,
        name=f"{portfolio.name}_after_features",
        monitored_jobs=[features],
        request_jobs=following,
        minimum_interval_seconds=settings.automation_interval_seconds,
        default_status=switched(settings.automation_landing),
        description="After the features of a month that landed: scores and drift, or the first training of all.",
    )
    def after_features(context: RunStatusSensorContext) -> Iterator[RunRequest | SkipReason]:
        run = context.dagster_run
        if run.tags.get(AUTOMATION_TAG) != portfolio.name:
            yield SkipReason(f"run {run.run_id} was started by hand")
            return
        yield from _following(portfolio, settings, run.run_id, *months_of_tags(run.tags))

    return after_features


def _following(portfolio: Portfolio, settings: Settings, run_id: str, first: date, last: date) -> Iterator[RunRequest]:
    live = read_live(settings.published_dir / portfolio.name)
    because = f"features of {told(first, last)}"
    if live is None or live.champion is None:
        told_why = f"{because}, and there is no champion yet"
        yield run_request(portfolio, "training", last, last, because=told_why, key=f"{run_id} training")
        return
    if any((settings.serving_log_dir / portfolio.name).glob("*.seg")):
        yield run_request(portfolio, "serving", last, last, because=because, key=f"{run_id} serving")
    if label(last) >= (live.features_month or ""):
        yield run_request(portfolio, "scores", last, last, because=because, key=f"{run_id} scores")
    yield run_request(portfolio, "monitoring", first, last, because=because, key=f"{run_id} monitoring")


def _retraining(portfolio: Portfolio, settings: Settings, jobs: Jobs) -> SensorDefinition:
    decided = AssetKey([portfolio.name, RETRAINING_DECISION])

    @sensor(
        name=f"{portfolio.name}_retraining",
        job=jobs[f"{portfolio.name}_training"],
        minimum_interval_seconds=settings.automation_interval_seconds,
        default_status=switched(settings.automation_retraining),
        description="Trains the month whose retraining_decision asks for it; the reasons and evidence are in the tags.",
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
    """The decision of the newest month decided on, if it is one of `months` and asks for a training not done yet.

    An older flag has no standing: the newer decision knew what it knew. So a backfill trains once at most.
    """
    table = f"{portfolio.name}.{RETRAINING_DECISION}"
    if not table_exists(connection, table):
        return None
    (newest,) = connection.execute(f"select max(month) from {table}").fetchone() or (None,)
    if newest not in months or any(training.month >= newest for training, _ in read_trainings(connection, portfolio)):
        return None
    (row,) = read_rows(connection, table, newest)
    return row if row["retraining_required"] else None


def _newest_scores(
    instance: DagsterInstance, features: AssetKey, root: Path, live_month: str | None
) -> tuple[date | None, int | None]:
    """The month that is live and the version that scored it; before the first, the newest that can be scored."""
    if live_month:
        return parse_month(live_month), read_features_manifest(features_dir(root, live_month)).scored_by
    return max(materialized_months(instance, features), default=None), None


def _rescoring(portfolio: Portfolio, settings: Settings, jobs: Jobs) -> SensorDefinition:
    root = settings.published_dir / portfolio.name
    features = AssetKey([portfolio.name, "customer_features"])

    @sensor(
        name=f"{portfolio.name}_rescoring",
        job=jobs[f"{portfolio.name}_scores"],
        minimum_interval_seconds=settings.automation_interval_seconds,
        default_status=switched(settings.automation_rescoring),
        description="Scores and publishes the newest month again when another version has become champion.",
    )
    def rescoring(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        live = read_live(root)
        if live is None or live.champion is None:
            return SkipReason("there is no champion")
        month, scored_by = _newest_scores(context.instance, features, root, live.features_month)
        wanted = f"{live.champion} {month and label(month)}"
        if month is None or scored_by == live.champion or context.cursor == wanted:
            return SensorResult(skip_reason=f"scores are those of version {scored_by}", cursor=wanted)
        because = f"version {live.champion} is champion, scores are of " + (f"{scored_by}" if scored_by else "none")
        return SensorResult([run_request(portfolio, "scores", month, month, because=because, key=None)], cursor=wanted)

    return rescoring
