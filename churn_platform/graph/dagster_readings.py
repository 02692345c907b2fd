"""What Dagster's storage says: runs by job and status, the queue, daemons, and when each asset was
last made.
"""

from collections.abc import Iterator

import sqlalchemy as db
from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

from churn_platform.errors import ChurnError
from churn_platform.exporter import readings
from churn_platform.exporter.readings import Reading, month_instant
from churn_platform.months import parse_month

WAITING = (DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED)


def read_dagster(instance: DagsterInstance) -> list[Reading]:
    """Readings of an instance, by a few queries of its storage that lock nothing."""
    return [*_runs(instance), *_daemons(instance), *_assets(instance)]


def _runs(instance: DagsterInstance) -> Iterator[Reading]:
    storage = instance.run_storage
    if not isinstance(storage, SqlRunStorage):
        raise ChurnError(f"runs are kept in {type(storage).__name__}, which cannot be counted")
    # One query. Dagster's own counts would be one for each job and status.
    columns = (RunsTable.c.pipeline_name, RunsTable.c.status)
    query = db.select(
        *columns, db.func.count().label("runs"), db.func.max(RunsTable.c.end_time).label("ended")
    ).group_by(*columns)
    waiting = 0
    for row in storage.fetchall(query):
        labels = (row["pipeline_name"], row["status"])
        yield Reading(readings.RUNS, labels, row["runs"])
        if row["ended"] is not None:
            yield Reading(readings.RUN_ENDED, labels, row["ended"])
        if row["status"] in {status.value for status in WAITING}:
            waiting += row["runs"]
    yield Reading(readings.RUN_QUEUE, (), waiting)


def _daemons(instance: DagsterInstance) -> Iterator[Reading]:
    for name, heartbeat in instance.get_daemon_heartbeats().items():
        yield Reading(readings.HEARTBEAT, (name,), heartbeat.timestamp)


def _assets(instance: DagsterInstance) -> Iterator[Reading]:
    for record in instance.event_log_storage.get_asset_records():
        entry = record.asset_entry
        made = entry.last_materialization_record
        if made is None or made.asset_materialization is None:
            continue
        asset = entry.asset_key.to_user_string()
        yield Reading(readings.ASSET_MADE, (asset,), made.timestamp)
        if made.partition_key:
            month = month_instant(parse_month(made.partition_key))
            yield Reading(readings.ASSET_MONTH, (asset,), month)
