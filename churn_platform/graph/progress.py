"""What a command shows of its run meanwhile: finished assets, warnings, and what steps say."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from dagster import (
    AssetMaterialization,
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    InitLoggerContext,
    logger,
)
from dagster._core.remote_origin import RemoteJobOrigin

from churn_platform.graph.metadata import MONTH_ROWS

PROGRESS = "progress"
SHOWN = "shown_by_command"
Show = Callable[[str], None]


@dataclass(frozen=True)
class _Watched:
    """The run of a command: its instance and origin, and where its progress is shown."""

    instance: DagsterInstance
    origin: RemoteJobOrigin
    show: Show

    def begin(self, run_id: str) -> None:
        """Give the run the origin that a launched one has."""
        run = self.instance.get_run_by_id(run_id)
        if run:
            self.instance.run_storage.replace_job_origin(run, self.origin)


_WATCHED: ContextVar[_Watched | None] = ContextVar("watched", default=None)


@contextmanager
def shown(instance: DagsterInstance, origin: RemoteJobOrigin, show: Show) -> Iterator[None]:
    """Show meanwhile the progress of a run of this process that has the logger PROGRESS."""
    watching = _WATCHED.set(_Watched(instance, origin, show))
    try:
        yield
    finally:
        _WATCHED.reset(watching)


@logger
def progress_logger(context: InitLoggerContext) -> logging.Logger:
    """Shows a command how far its run is; shows nothing in a run that the UI started again."""
    target = logging.Logger(PROGRESS, logging.DEBUG)
    # Python writes what a logger without a handler is told to the console.
    target.addHandler(logging.NullHandler())
    watched = _WATCHED.get()
    if watched and context.run_id:
        watched.begin(context.run_id)
        target.addHandler(_OfLogger(Progress(watched.show)))
    return target


class _OfLogger(logging.Handler):
    """Shows what the loggers of a run in this process are told."""

    def __init__(self, progress: "Progress"):
        super().__init__(logging.DEBUG)
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        if text := getattr(record, SHOWN, None):
            self._progress.say(text)

        event = getattr(record, "dagster_event", None)
        if event is not None:
            self._progress.note(event)


class Progress:
    """Shows each materialized asset with its rows, of all months of the run together, and the
    seconds since the run began; each warning; and what a step logs with `extra={SHOWN: text}`.
    """

    def __init__(self, show: Show):
        self.show = show
        self.begun = time.monotonic()
        self.seen: set[str] = set()
        self.asset = ""
        self.rows: int | None = None

    def say(self, text: str) -> None:
        """A line of a step's own."""
        self.show(f"{self._elapsed()}  {text}")

    def note(self, event: DagsterEvent) -> None:
        """An event of the run."""
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
