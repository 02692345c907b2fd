"""How automation asks for runs, and what it reads before it asks."""

from collections.abc import Sequence
from contextlib import closing
from datetime import date

import duckdb
from dagster import (
    AssetKey,
    AssetRecordsFilter,
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    DefaultSensorStatus,
    EventLogRecord,
    RunRequest,
    RunsFilter,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

from churn_platform.graph.jobs import TRAINING
from churn_platform.graph.runs import RANGE_TAGS, months_of_tags
from churn_platform.months import label, month_range, parse_month
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.lake import Lake, connect

AUTOMATION_TAG, BECAUSE_TAG, EVIDENCE_TAG = "churn/automation", "churn/because", "churn/evidence"
RETRY_TAG = "dagster/retry_on_asset_or_op_failure"
PRIORITY_TAG = "dagster/priority"
EVENTS_AT_A_TIME = 500

Jobs = dict[str, UnresolvedAssetJobDefinition]


def switched(on: bool) -> DefaultSensorStatus:
    """Whether a sensor runs from the start."""
    return DefaultSensorStatus.RUNNING if on else DefaultSensorStatus.STOPPED


def run_request(
    portfolio: Portfolio,
    stage: str,
    first: date,
    last: date,
    *,
    because: str,
    key: str | None,
    evidence: str = "",
) -> RunRequest:
    """A run of a stage for a range of months; it says why in its tags, and is not retried by
    itself.
    """
    months = dict(zip(RANGE_TAGS, (first.isoformat(), last.isoformat()), strict=True))
    # No retry by Dagster: what failed waits for a person or for the next delivery.
    told = {AUTOMATION_TAG: portfolio.name, BECAUSE_TAG: because, RETRY_TAG: "false"}
    if stage != TRAINING:
        # A training takes long and can wait; the month that has landed is wanted for its scores.
        told[PRIORITY_TAG] = "1"

    return RunRequest(
        run_key=key,
        job_name=f"{portfolio.name}_{stage}",
        tags=months | told | ({EVIDENCE_TAG: evidence} if evidence else {}),
    )


def told(first: date, last: date) -> str:
    """A range of months in words."""
    return label(first) if first == last else f"{label(first)} to {label(last)}"


def new_materializations(
    instance: DagsterInstance, key: AssetKey, after: int
) -> Sequence[EventLogRecord]:
    """Materializations of an asset stored after an event, oldest first."""
    wanted = AssetRecordsFilter(asset_key=key, after_storage_id=after)
    return instance.fetch_materializations(wanted, limit=EVENTS_AT_A_TIME, ascending=True).records


def newest_materialization(instance: DagsterInstance, key: AssetKey) -> int:
    """Storage id of the newest materialization of an asset; 0 before the first."""
    records = instance.fetch_materializations(key, limit=1).records
    return records[0].storage_id if records else 0


def materialized_months(instance: DagsterInstance, key: AssetKey) -> set[date]:
    """The months of an asset that have been materialized."""
    return {parse_month(partition) for partition in instance.get_materialized_partitions(key)}


def pending_months(
    instance: DagsterInstance, portfolio: Portfolio, stage: str = "features"
) -> dict[date, str]:
    """Months whose features, or another stage, a queued or running run makes, with its id."""
    jobs = {f"{portfolio.name}_{stage}", f"{portfolio.name}_month"}
    runs = instance.get_runs(RunsFilter(statuses=NOT_FINISHED_STATUSES))

    pending = {}
    for run in runs:
        if run.job_name in jobs:
            for month in _months_asked(run):
                pending[month] = run.run_id

    return pending


def _months_asked(run: DagsterRun) -> list[date]:
    try:
        return month_range(*months_of_tags(run.tags))
    except ValueError:
        return []


def refused_months(instance: DagsterInstance, key: AssetKey) -> set[date]:
    """The months of a raw table whose file ingest has refused, and has not loaded since."""
    refused = instance.get_latest_storage_id_by_partition(key, DagsterEventType.ASSET_OBSERVATION)
    loaded = instance.get_latest_storage_id_by_partition(
        key, DagsterEventType.ASSET_MATERIALIZATION
    )

    months = set()
    for partition, event in refused.items():
        if event > loaded.get(partition, 0):
            months.add(parse_month(partition))

    return months


def months_of_events(events: Sequence[EventLogRecord]) -> set[date]:
    """The months that materializations belong to."""
    months = set()
    for event in events:
        if event.partition_key:
            months.add(parse_month(event.partition_key))

    return months


def read_lake(lake: Lake) -> "closing[duckdb.DuckDBPyConnection]":
    """A connection to the lake for a look; it is made where it does not exist yet."""
    return closing(connect(lake))
