"""Runs that failed because something was away for a while, and when such a run is due again.

A store or a database that does not answer, a full disk and a killed process say nothing against a
run: the same run goes well once the cause is gone. All other failures wait for a person.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.storage.dagster_run import RunRecord

from churn_platform.disk import full_disk
from churn_platform.errors import CatalogUnreachableError, StoreUnreachableError
from churn_platform.graph.run_requests import AUTOMATION_TAG
from churn_platform.graph.runs import RANGE_TAGS

if TYPE_CHECKING:
    from collections.abc import Callable

OUTAGE_TAG, ATTEMPT_TAG = "churn/outage", "churn/attempt"
Outage = Literal["store", "catalog", "disk", "process"]
# After 1, 2, 4 ... minutes, then every hour: an outage of two days is survived without a person.
FIRST_WAIT, LONGEST_WAIT, ATTEMPTS = timedelta(minutes=1), timedelta(hours=1), 48
MOST_DOUBLINGS = 6  # 64 minutes, which is beyond the longest wait
LOOK_BACK = timedelta(days=7)


@dataclass(frozen=True)
class Again:
    """A failed run that is due again, for the which time, and what was away."""

    record: RunRecord
    attempt: int
    outage: str


def outage_of(
    error: BaseException, told: Exception | None, folders: "Callable[[], Iterable[Path]]"
) -> Outage | None:
    """What was away, for the error of a step; `told` is what a server of the lake said of itself.
    None if the error is of another kind.
    """
    said = told or error
    if isinstance(said, CatalogUnreachableError):
        return "catalog"
    if isinstance(said, StoreUnreachableError):
        return "store"

    return "disk" if full_disk(error, folders) else None


def due_again(instance: DagsterInstance, now: datetime) -> list[Again]:
    """Runs of automation that an outage ended, that are due, and that nothing has replaced since,
    oldest first.
    """
    failed = RunsFilter(statuses=[DagsterRunStatus.FAILURE], created_after=now - LOOK_BACK)
    records = instance.get_run_records(failed, ascending=True)

    due = []
    for record in records:
        again = _due(instance, record, now)
        if again:
            due.append(again)

    return due


def _due(instance: DagsterInstance, record: RunRecord, now: datetime) -> Again | None:
    tags = record.dagster_run.tags
    outage = tags.get(OUTAGE_TAG)
    attempt = int(tags.get(ATTEMPT_TAG, 1))
    # What a person started is theirs to start again.
    is_by_hand = AUTOMATION_TAG not in tags
    if outage is None or is_by_hand or attempt >= ATTEMPTS:
        return None

    ended_at = record.end_time or record.create_timestamp.timestamp()
    since = now.timestamp() - ended_at
    wait = wait_before(attempt)
    # A clock that was ahead and has gone back must not hold a run up until it is there again.
    is_early = 0 <= since < wait.total_seconds()
    if is_early or _is_replaced(instance, record):
        return None

    return Again(record, attempt + 1, outage)


def wait_before(attempt: int) -> timedelta:
    """How long a run waits that has failed so many times."""
    # Bounded before it is multiplied: 2 ** 41 minutes are more than a timedelta holds.
    doublings = min(attempt - 1, MOST_DOUBLINGS)
    return min(FIRST_WAIT * 2**doublings, LONGEST_WAIT)


def _is_replaced(instance: DagsterInstance, record: RunRecord) -> bool:
    """Whether a later run of the same job was asked for the same months, by whomever."""
    run = record.dagster_run
    months = {}
    for tag in RANGE_TAGS:
        if tag in run.tags:
            months[tag] = run.tags[tag]

    same = RunsFilter(job_name=run.job_name, tags=months)
    # Records come newest first, and the run itself is one of them.
    newest = instance.get_run_records(same, limit=1)
    return newest[0].storage_id > record.storage_id
