"""A run that an outage ended is due again; every other failure waits for a person."""

import errno
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.utils import make_new_run_id

from churn_platform.errors import (
    CatalogUnreachableError,
    DataError,
    StoreRefusedError,
    StoreUnreachableError,
)
from churn_platform.graph.outages import (
    ATTEMPT_TAG,
    ATTEMPTS,
    OUTAGE_TAG,
    Again,
    due_again,
    outage_of,
)
from churn_platform.graph.run_requests import AUTOMATION_TAG, BECAUSE_TAG
from churn_platform.graph.runs import RANGE_TAGS
from churn_platform.graph.sensors.outage_sensor import _request

MONTH = dict.fromkeys(RANGE_TAGS, "2025-01-01")
ENDED = {AUTOMATION_TAG: "tiny", OUTAGE_TAG: "store", BECAUSE_TAG: "landed: 2025-01", **MONTH}


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    """Without any run."""
    with DagsterInstance.ephemeral() as made:
        yield made


def run(
    instance: DagsterInstance, tags: dict[str, str], status: DagsterRunStatus | None = None
) -> DagsterRun:
    """A run that has failed, or is of another status."""
    made = DagsterRun(
        job_name="tiny_features",
        run_id=make_new_run_id(),
        status=status or DagsterRunStatus.FAILURE,
        tags=tags,
    )
    return instance.add_run(made)


def due(instance: DagsterInstance, **later: float) -> list[Again]:
    """What is due some time after now."""
    return due_again(instance, datetime.now(UTC) + timedelta(**later))


@pytest.mark.parametrize(
    ("error", "told", "outage"),
    [
        (DataError("dbt failed"), StoreUnreachableError("away"), "store"),
        (CatalogUnreachableError("away"), None, "catalog"),
        (OSError(errno.ENOSPC, "No space left on device"), None, "disk"),
        (StoreRefusedError("a wrong key"), None, None),
        (DataError("no rows"), None, None),
    ],
)
def test_what_comes_back_by_itself_is_an_outage(error, told, outage):
    """A wrong key or a wrong file does not."""
    assert outage_of(error, told, lambda: [Path("/")]) == outage


def test_a_run_is_due_a_minute_after_its_outage(instance):
    """With the number of the attempt."""
    failed = run(instance, ENDED)
    assert due(instance, seconds=50) == []
    (again,) = due(instance, seconds=70)
    assert (again.record.dagster_run.run_id, again.attempt) == (failed.run_id, 2)


def test_waits_grow_to_an_hour_and_end_after_two_days(instance):
    """So a long outage costs little, and one that never ends is left to a person."""
    run(instance, {**ENDED, ATTEMPT_TAG: "4"})
    assert due(instance, minutes=7) == []
    assert len(due(instance, minutes=9)) == 1
    run(instance, {**ENDED, ATTEMPT_TAG: "20"})
    assert due(instance, minutes=55) == []
    assert len(due(instance, minutes=65)) == 1
    run(instance, {**ENDED, ATTEMPT_TAG: str(ATTEMPTS)})
    assert due(instance, hours=3) == []


def test_the_last_attempts_wait_an_hour_as_well(instance):
    """Doubling a minute so often is more than a time span holds."""
    run(instance, {**ENDED, ATTEMPT_TAG: str(ATTEMPTS - 1)})
    assert due(instance, minutes=55) == []
    assert len(due(instance, minutes=65)) == 1


def test_a_clock_that_went_back_holds_nothing_up(instance):
    """The run ended a year from now, by the clock of then."""
    run(instance, ENDED)
    assert len(due(instance, days=-5)) == 1


@pytest.mark.parametrize("missing", [OUTAGE_TAG, AUTOMATION_TAG])
def test_other_failures_and_runs_by_hand_are_left_to_a_person(instance, missing):
    """Who started a run by hand sees how it ended."""
    run(instance, {name: value for name, value in ENDED.items() if name != missing})
    assert due(instance, hours=2) == []


@pytest.mark.parametrize("status", [DagsterRunStatus.STARTED, DagsterRunStatus.SUCCESS])
def test_a_later_run_of_the_same_months_replaces_it(instance, status):
    """Whoever asked for that one; a run of other months does not."""
    run(instance, ENDED)
    run(instance, {AUTOMATION_TAG: "tiny"} | dict.fromkeys(RANGE_TAGS, "2025-02-01"), status)
    assert len(due(instance, hours=2)) == 1
    run(instance, dict(MONTH), status)
    assert due(instance, hours=2) == []


def test_the_same_run_is_asked_for_with_its_reason(instance):
    """Its months, priority and portfolio; what Dagster noted for itself is left out."""
    tags = {**ENDED, "dagster/priority": "1", "dagster/run_key": "x", "dagster/sensor_name": "y"}
    failed = run(instance, {**tags, ATTEMPT_TAG: "2"})
    (again,) = due(instance, hours=2)
    request = _request(again)
    assert (request.job_name, request.run_key) == ("tiny_features", f"{failed.run_id} again")
    assert request.tags == {
        **MONTH,
        AUTOMATION_TAG: "tiny",
        BECAUSE_TAG: "landed: 2025-01; again, because of an outage: store",
        "dagster/priority": "1",
        ATTEMPT_TAG: "3",
    }
