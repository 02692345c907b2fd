"""Runs a job of the graph over a range of months, in this process, with its history in the Dagster
instance.
"""

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from dagster import (
    AssetKey,
    DagsterEvent,
    DagsterInstance,
    Definitions,
    ExecutorDefinition,
    build_reconstructable_job,
)
from dagster._core.execution.api import execute_run_iterator
from dagster._core.instance.ref import InstanceRef
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.utils import make_new_run_id

from churn_platform.errors import ChurnError
from churn_platform.graph.causes import cause
from churn_platform.graph.liveness import IN_PROCESS, alive, end_dead_runs
from churn_platform.graph.progress import PROGRESS, Progress, Show, progress_logger, shown
from churn_platform.months import label, parse_month
from churn_platform.sqlite_uri import is_plain
from churn_platform.warehouse.exclusive_lock import one_maker

RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
PARTITION_TAG = "dagster/partition"
MONTHS_TAG = "months"
# Instead of Dagster's own logger, which would write every event to the console.
SHOWS_PROGRESS: dict[str, Any] = {"loggers": {PROGRESS: {"config": {}}}}
JOB_BUILDER = "job_of"  # of MODULE
LOCATION, REPOSITORY, MODULE = "churn_platform", "__repository__", "churn_platform.definitions"


def months_of_tags(tags: Mapping[str, str]) -> tuple[date, date]:
    """The range of months that a run was asked for, or its one month; ValueError if its tags
    name none.
    """
    first, last = (parse_month(tags.get(tag, tags.get(PARTITION_TAG, ""))) for tag in RANGE_TAGS)
    return first, last


def dagster_instance(home: Path) -> DagsterInstance:
    """The instance whose `dagster.yaml` is in `home`, unless DAGSTER_HOME names another;
    ChurnError without one.
    """
    if "DAGSTER_HOME" not in os.environ:
        if not (home / "dagster.yaml").exists():
            raise ChurnError(
                f"no dagster.yaml in {home.resolve()}; change to the project's folder or "
                "set DAGSTER_HOME"
            )
        os.environ["DAGSTER_HOME"] = str(home.resolve())

    store = _store(os.environ["DAGSTER_HOME"])
    if not is_plain(store):
        raise ChurnError(
            f"Dagster cannot keep its history in {store}: because of a `?` or `%` in that path it "
            "would open another file; move the project's folder, or set DAGSTER_HOME to a folder "
            "without them, with a dagster.yaml of its own (CHURN_DATA_DIR may have them)"
        )

    with one_maker(store, what="Dagster's store"):  # opening it makes and migrates its tables
        return DagsterInstance.get()


def dagster_folders() -> list[Path]:
    """The folders that Dagster writes to; none before it knows its home."""
    if "DAGSTER_HOME" not in os.environ:
        return []
    home = os.environ["DAGSTER_HOME"]
    return [Path(home), _store(home)]


def history_folder(home: Path) -> Path | None:
    """The folder in which the instance keeps its history whose `dagster.yaml` is in `home`, or that
    DAGSTER_HOME names; None without one.
    """
    named = os.environ.get("DAGSTER_HOME") or str(home)
    return _store(named) if Path(named, "dagster.yaml").exists() else None


def _store(home: str) -> Path:
    """The folder in which the instance of a home keeps runs, events and files."""
    return Path(InstanceRef.from_dir(home).local_artifact_storage.base_dir)


def run_job(
    defs: Definitions,
    instance: DagsterInstance,
    job: str,
    first: date,
    last: date,
    *,
    log: Path,
    show: Show,
    only: Sequence[AssetKey] | None = None,
    tags: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> str:
    """Run a job for every month from `first` to `last` in one run; returns its id.

    Runs that died before are ended first, so that it need not wait for them. `show` gets a line per
    finished asset; what steps print (dbt does) goes to `log`; `only` picks assets of the job;
    `tags` come on top of those of the months. `overrides` are the settings that `defs` was built
    with, for steps in other processes. ChurnError with the cause where a step fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    end_dead_runs(instance)
    run_id = make_new_run_id()
    asked = _Asked(job, run_id, _tags(first, last) | dict(tags or {}), only)
    with log.open("a") as output, contextlib.redirect_stdout(output):
        executor = defs.executor
        if isinstance(executor, ExecutorDefinition) and executor.name != IN_PROCESS:
            events = _run_elsewhere(instance, asked, show, overrides or {})
        else:
            events = _run_here(defs, instance, asked, show)

    run = instance.get_run_by_id(run_id)
    if run is None or not run.is_success:
        words = cause(events)
        # Dagster's own last event begins with its frames; a run in process has no executor of ours
        # that would put the cause first.
        instance.report_engine_event(f"{job} failed in {words}", run)
        raise ChurnError(f"{job} failed in {words}\nmore in {log}, and in the UI (`make dev`)")

    return run_id


@dataclass(frozen=True)
class _Asked:
    """What a run is to do."""

    job: str
    run_id: str
    tags: Mapping[str, str]
    only: Sequence[AssetKey] | None


def _run_here(
    defs: Definitions, instance: DagsterInstance, asked: _Asked, show: Show
) -> Sequence[DagsterEvent]:
    """Execute every step in this process; the events of the run."""
    if PROGRESS not in (defs.loggers or {}):
        defs = Definitions.merge(defs, Definitions(loggers={PROGRESS: progress_logger}))

    with alive(instance, asked.run_id), shown(instance, job_origin(asked.job), show):
        result = defs.resolve_job_def(asked.job).execute_in_process(
            run_id=asked.run_id,
            instance=instance,
            tags=asked.tags,
            run_config=SHOWS_PROGRESS,
            raise_on_error=False,
            asset_selection=asked.only,
        )
    return result.all_events


def _run_elsewhere(
    instance: DagsterInstance, asked: _Asked, show: Show, overrides: Mapping[str, str]
) -> Sequence[DagsterEvent]:
    """Execute the steps where the executor puts them; the events of the run."""
    # A step's process builds the job anew, from its name and these settings.
    job = build_reconstructable_job(MODULE, JOB_BUILDER, (asked.job,), dict(overrides))
    run = instance.create_run_for_job(
        job_def=job.get_definition(),
        run_id=asked.run_id,
        run_config=SHOWS_PROGRESS,
        tags=asked.tags,
        asset_selection=frozenset(asked.only) if asked.only else None,
        remote_job_origin=job_origin(asked.job),
        job_code_origin=job.get_python_origin(),
    )
    progress = Progress(show)
    events = []
    for event in execute_run_iterator(job, run, instance):
        progress.note(event)
        events.append(event)
    return events


def materialize_table(
    defs: Definitions, instance: DagsterInstance, table: str, month: date, *, log: Path, show: Show
) -> str:
    """Make one month of `schema.table` again, and what the same step makes; returns the run's id.

    ChurnError if no asset makes the table.
    """
    graph = defs.resolve_asset_graph()
    key = AssetKey(table.split("."))
    if key not in graph.get_all_asset_keys():
        raise ChurnError(
            f"no asset makes the table {table!r}; give schema.table as `churn check-lake` shows it"
        )

    # dbt's assets are one step: its tables cannot be made one without the others.
    together = graph.get(key).execution_set_entity_keys
    only = [made for made in together if isinstance(made, AssetKey)]
    return _run_assets(defs, instance, only, (month, month), log=log, show=show)


def materialize_tables(
    defs: Definitions,
    instance: DagsterInstance,
    tables: Sequence[str],
    months: tuple[date, date],
    *,
    log: Path,
    show: Show,
) -> str:
    """Make just these tables (`schema.table`) again over a range of months, in one run; returns its
    id.
    """
    only = [AssetKey(table.split(".")) for table in tables]
    return _run_assets(defs, instance, only, months, log=log, show=show)


def tables_of_group(defs: Definitions, group: str) -> list[str]:
    """The tables that the assets of a group make."""
    graph = defs.resolve_asset_graph()
    keys = [key for key in graph.get_all_asset_keys() if graph.get(key).group_name == group]
    return sorted(".".join(key.path) for key in keys)


def _run_assets(
    defs: Definitions,
    instance: DagsterInstance,
    only: Sequence[AssetKey],
    months: tuple[date, date],
    *,
    log: Path,
    show: Show,
) -> str:
    job = defs.resolve_implicit_global_asset_job_def().name
    return run_job(defs, instance, job, *months, log=log, show=show, only=only)


def _tags(first: date, last: date) -> dict[str, str]:
    """What a run is asked for: Dagster's own tags, which its UI hides, and one that it shows."""
    asked = dict(zip(RANGE_TAGS, (first.isoformat(), last.isoformat()), strict=True))
    shown = label(first) if first == last else f"{label(first)} to {label(last)}"
    return {**asked, MONTHS_TAG: shown}


def job_origin(job: str) -> RemoteJobOrigin:
    """Where the webserver finds a job: the location and repository that `workspace.yaml` loads."""
    # A run in process has none. Without it Dagster's timeline leaves the run out, and its page
    # cannot execute it again.
    location = ManagedGrpcPythonEnvCodeLocationOrigin(
        LoadableTargetOrigin(module_name=MODULE), location_name=LOCATION
    )
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, REPOSITORY), job)
