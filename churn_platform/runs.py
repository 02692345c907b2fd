"""Runs a job of the graph over a range of months, in this process, with its history in the Dagster instance."""

import logging
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

from dagster import DagsterInstance, Definitions, InitLoggerContext, LoggerDefinition, logger

from churn_platform.errors import ChurnError

PROGRESS = "progress"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def dagster_instance(home: Path) -> DagsterInstance:
    """The instance whose `dagster.yaml` lies in `home`, unless DAGSTER_HOME names another."""
    os.environ.setdefault("DAGSTER_HOME", str(home.resolve()))
    return DagsterInstance.get()


def run_job(
    defs: Definitions, instance: DagsterInstance, job: str, first: date, last: date, *, show: Callable[[str], None]
) -> str:
    """Run a job for every month from `first` to `last` in one run; returns its id.

    `show` gets a line per asset as it is done. ChurnError with the cause where a step fails.
    """
    result = defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        tags=dict(zip(RANGE_TAGS, (first.isoformat(), last.isoformat()), strict=True)),
        run_config={"loggers": {PROGRESS: {"config": {}}}},
        raise_on_error=False,
    )
    if not result.success:
        raise ChurnError(f"{job} failed: {_cause(result)}")
    return result.run_id


def _cause(result) -> str:
    failures = [event for event in result.all_events if event.is_step_failure]
    if not failures:
        return "see the run in the UI (`make dev`)"
    error = failures[0].step_failure_data.error
    while error.cause:
        error = error.cause
    return f"step {failures[0].step_key}: {error.message.strip()}"


def progress_logger(show: Callable[[str], None]) -> LoggerDefinition:
    """A Dagster logger that passes on one line per finished asset or message of ours."""

    @logger
    def progress(context: InitLoggerContext) -> logging.Logger:
        target = logging.Logger(PROGRESS, logging.INFO)
        target.addHandler(_Lines(show))
        return target

    return progress


class _Lines(logging.Handler):
    def __init__(self, show: Callable[[str], None]):
        super().__init__(logging.INFO)
        self.show = show

    def emit(self, record: logging.LogRecord) -> None:
        print(vars(record))
