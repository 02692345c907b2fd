"""Runs a job of the graph over a range of months, in this process, with its history in the Dagster
instance.
"""

import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dagster import (
    AssetKey,
    AssetMaterialization,
    DagsterEventType,
    DagsterInstance,
    Definitions,
    InitLoggerContext,
    logger,
)
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
from churn_platform.graph.liveness import alive, end_dead_runs
from churn_platform.graph.metadata import MONTH_ROWS
from churn_platform.months import label, parse_month
from churn_platform.sqlite_uri import is_plain
from churn_platform.warehouse.exclusive_lock import one_maker

PROGRESS = "progress"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
PARTITION_TAG = "dagster/partition"
SHOWN = "shown_by_command"
MONTHS_TAG = "months"
LOCATION, REPOSITORY, MODULE = "churn_platform", "__repository__", "churn_platform.definitions"
Show = Callable[[str], None]


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
) -> str:
    """Run a job for every month from `first` to `last` in one run; returns its id.

    Runs that died before are ended first, so that it need not wait for them. `show` gets a line per
    finished asset; what steps print (dbt does) goes to `log`; `only` picks assets of the job;
    `tags` come on top of those of the months. ChurnError with the cause where a step fails.
    """
    if PROGRESS not in (defs.loggers or {}):
        defs = Definitions.merge(defs, Definitions(loggers={PROGRESS: progress_logger}))

    log.parent.mkdir(parents=True, exist_ok=True)
    end_dead_runs(instance)
    run_id = make_new_run_id()
    watching = _WATCHED.set(_Watched(instance, job, show))
    try:
        with log.open("a") as output, contextlib.redirect_stdout(output), alive(instance, run_id):
            result = defs.resolve_job_def(job).execute_in_process(
                run_id=run_id,
                instance=instance,
                tags=_tags(first, last) | dict(tags or {}),
                run_config={"loggers": {PROGRESS: {"config": {}}}},
                raise_on_error=False,
                asset_selection=only,
            )
    finally:
        _WATCHED.reset(watching)

    if not result.success:
        words = cause(result.all_events)
        # Dagster's own last event begins with its frames; a run in process has no executor of ours
        # that would put the cause first.
        run = instance.get_run_by_id(run_id)
        instance.report_engine_event(f"{job} failed in {words}", run)
        raise ChurnError(f"{job} failed in {words}\nmore in {log}, and in the UI (`make dev`)")

    return run_id


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


@dataclass(frozen=True)
class _Watched:
    """The run of a command: its instance and job, and where its progress is shown."""

    instance: DagsterInstance
    job: str
    show: Show

    def begin(self, run_id: str) -> None:
        """Give the run the origin that a launched one has."""
        run = self.instance.get_run_by_id(run_id)
        if run:
            self.instance.run_storage.replace_job_origin(run, job_origin(self.job))


_WATCHED: ContextVar[_Watched | None] = ContextVar("watched", default=None)


@logger
def progress_logger(context: InitLoggerContext) -> logging.Logger:
    """Shows a command how far its run is; shows nothing in a run that the UI started again."""
    target = logging.Logger(PROGRESS, logging.DEBUG)
    watched = _WATCHED.get()
    if watched and context.run_id:
        watched.begin(context.run_id)
        target.addHandler(_FinishedAssets(watched.show))
    return target


class _FinishedAssets(logging.Handler):
    """Shows each materialized asset with its rows, of all months of the run together, and the
    seconds since the run began; each warning; and what a step logs with `extra={SHOWN: text}`.
    """

    def __init__(self, show: Show):
        super().__init__(logging.DEBUG)
        self.show = show
        self.begun = time.monotonic()
        self.seen: set[str] = set()
        self.asset = ""
        self.rows: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if text := getattr(record, SHOWN, None):
            self.show(f"{self._elapsed()}  {text}")

        event = getattr(record, "dagster_event", None)
        if event is None:
            return

        if event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed and not check.blocking and check.description:
                self.show(f"warning: {check.description}")

        if event.is_step_materialization:
            self._add(event.step_materialization_data.materialization)
        else:
            self._tell()

    def _add(self, materialization: AssetMaterialization) -> None:
        """One month of an asset; its other months follow at once."""
        name = materialization.asset_key.to_user_string()
        if name != self.asset:
            self._tell()
            self.asset = name

        found = materialization.metadata.get(MONTH_ROWS)
        if found:
            self.rows = (self.rows or 0) + int(str(found.value))

    def _tell(self) -> None:
        if self.asset and self.asset not in self.seen:
            self.seen.add(self.asset)
            size = "" if self.rows is None else f"{self.rows:>12,} rows"
            self.show(f"{self._elapsed()}  {self.asset:<40}{size}")
        self.asset, self.rows = "", None

    def _elapsed(self) -> str:
        return f"{time.monotonic() - self.begun:6.1f} s"
