"""Dagster's history: runs that nothing refers to any more go, and the printed output of all old
ones.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from dagster import AssetKey, AssetMaterialization, DagsterInstance, RunsFilter
from dagster._core.storage.dagster_run import FINISHED_STATUSES

from churn_platform.graph.resources.audit_trail import ANCHORING_ASSETS

AT_A_TIME = 500


@dataclass(frozen=True)
class Forgotten:
    """Runs that were removed, and runs of which the output was."""

    runs: int
    outputs: int


def forgetting(instance: DagsterInstance) -> Callable[[datetime], dict[str, int]]:
    """`forget_runs` of an instance, telling what went by kind."""

    def forget(before: datetime) -> dict[str, int]:
        done = forget_runs(instance, before=before)
        return {"Dagster runs": done.runs, "outputs of Dagster runs": done.outputs}

    return forget


def forget_runs(instance: DagsterInstance, *, before: datetime) -> Forgotten:
    """Remove finished runs created before a time, but those in which a month of an asset was last
    made.

    Sensors read from these which months there are, and the UI shows them. Runs that note a head of
    the audit trail stay as well. Of those that stay, the output of their steps goes.
    """
    kept = runs_in_use(instance)
    old = list(_finished_runs(instance, before))
    going = [run_id for run_id in old if run_id not in kept]
    # Output first: a kill in between leaves a run without output, never output without a run.
    for run_id in old:
        instance.compute_log_manager.delete_logs(prefix=[run_id])

    for run_id in going:
        instance.delete_run(run_id)

    return Forgotten(len(going), len(old))


def runs_in_use(instance: DagsterInstance) -> set[str]:
    """Runs that made the newest materialization of an asset, month by month, or one that anchors
    the audit trail.
    """
    used = set()
    for key in instance.get_asset_keys():
        made: set[str | None] = set()
        for run_id, materialization in _materializations(instance, key):
            # Deleting the run of a month's newest materialization would tell the landing sensor
            # that the month was never ingested, and it would make the month again.
            if materialization.partition not in made or key.path[-1] in ANCHORING_ASSETS:
                used.add(run_id)

            made.add(materialization.partition)

    return used


def _materializations(
    instance: DagsterInstance, key: AssetKey
) -> Iterator[tuple[str, AssetMaterialization]]:
    """Materializations of an asset with their runs, newest first."""
    cursor: str | None = None
    while True:
        page = instance.fetch_materializations(key, limit=AT_A_TIME, cursor=cursor)
        for record in page.records:
            if record.asset_materialization:
                yield record.run_id, record.asset_materialization

        if not page.has_more:
            return
        cursor = page.cursor


def _finished_runs(instance: DagsterInstance, before: datetime) -> Iterator[str]:
    cursor: str | None = None
    wanted = RunsFilter(statuses=list(FINISHED_STATUSES), created_before=before)
    while records := instance.get_run_records(wanted, limit=AT_A_TIME, cursor=cursor):
        yield from (record.dagster_run.run_id for record in records)
        cursor = records[-1].dagster_run.run_id
