"""The 1st of the month."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import (
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    RunRequest,
    SkipReason,
    build_schedule_context,
)

from churn_platform.graph.automation import automate
from churn_platform.graph.runs import PARTITION_TAG, RANGE_TAGS, months_of_tags
from churn_platform.graph.schedules import clock_of
from churn_platform_tests.graph.conftest import Daemon
from churn_platform_tests.graph.sensors.test_landing_sensor import deliver
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, TINY

pytestmark = pytest.mark.usefixtures("stored")
FIRST_OF_FEBRUARY = datetime(2025, 2, 1, 2, tzinfo=UTC)


@pytest.fixture
def stored(daemon: Daemon, tmp_path: Path) -> Iterator[None]:
    """The daemon on an instance in a folder: schedules cannot be given one in memory."""
    (tmp_path / "home").mkdir()
    with DagsterInstance.local_temp(str(tmp_path / "home")) as daemon.instance:
        yield


def on_the_first(daemon: Daemon, name: str = "tiny_monthly") -> RunRequest | SkipReason:
    """What a schedule asks for on the first of February."""
    schedules = {
        schedule.name: schedule for schedule in automate([TINY], daemon.settings).schedules
    }
    context = build_schedule_context(
        instance=daemon.instance, scheduled_execution_time=FIRST_OF_FEBRUARY
    )
    found = schedules[name](context)
    assert isinstance(found, RunRequest | SkipReason)
    return found


def skipped(daemon: Daemon) -> str:
    """Why the monthly schedule asks for nothing."""
    found = on_the_first(daemon)
    assert isinstance(found, SkipReason)
    return found.skip_message or ""


def deliver_january(daemon: Daemon, minutes_ago: int = 10) -> None:
    """Land every table of January; the last file was written some minutes ago."""
    deliver(daemon, JANUARY)
    for minutes, path in zip(
        (60, minutes_ago), sorted(daemon.settings.landing_dir.rglob("*.csv")), strict=True
    ):
        os.utime(path, times=(time.time(), time.time() - 60 * minutes))


def test_the_month_that_has_ended_is_asked_for(daemon: Daemon):
    """Where its files have landed and nothing has taken them in."""
    deliver_january(daemon)
    found = on_the_first(daemon)
    assert isinstance(found, RunRequest)
    assert months_of_tags(found.tags) == (JANUARY, JANUARY)
    daemon.materialize("customer_features", JANUARY)
    assert isinstance(on_the_first(daemon), SkipReason)


def test_a_month_that_has_not_landed_is_named(daemon: Daemon):
    """Nothing runs, and the schedule says what is missing."""
    assert "2025-01 has not landed" in skipped(daemon)


def test_a_month_whose_files_were_just_written_waits(daemon: Daemon):
    """A copy that still grows is not taken in, and the schedule says so."""
    deliver_january(daemon, minutes_ago=4)
    assert "written to less than 5 minutes ago" in skipped(daemon)


JANUARY_TO_FEBRUARY = dict(
    zip(RANGE_TAGS, (JANUARY.isoformat(), FEBRUARY.isoformat()), strict=True)
)


@pytest.mark.parametrize("status", [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTED])
@pytest.mark.parametrize(
    "tags", [JANUARY_TO_FEBRUARY, {PARTITION_TAG: "2025-01-01"}], ids=["range", "month"]
)
def test_a_month_that_another_run_makes_is_left_to_it(
    daemon: Daemon, status: DagsterRunStatus, tags: dict[str, str]
):
    """The landing sensor's run, or one by hand, waiting or under way, is not doubled."""
    deliver_january(daemon)
    run = daemon.instance.add_run(DagsterRun("tiny_features", status=status, tags=tags))
    assert f"run {run.run_id}, queued or running, makes features of 2025-01" in skipped(daemon)


@pytest.mark.parametrize(
    ("job", "status", "tags"),
    [
        ("tiny_features", DagsterRunStatus.FAILURE, {PARTITION_TAG: "2025-01-01"}),
        ("tiny_features", DagsterRunStatus.STARTED, {PARTITION_TAG: "2024-12-01"}),
        ("tiny_features", DagsterRunStatus.STARTED, {}),
        ("tiny_scores", DagsterRunStatus.STARTED, {PARTITION_TAG: "2025-01-01"}),
    ],
    ids=["ended", "another month", "no month", "another stage"],
)
def test_other_runs_do_not_matter(
    daemon: Daemon, job: str, status: DagsterRunStatus, tags: dict[str, str]
):
    """Only features of the same month, and only while they are being made."""
    deliver_january(daemon)
    daemon.instance.add_run(DagsterRun(job, status=status, tags=tags))
    assert isinstance(on_the_first(daemon), RunRequest)


@pytest.mark.parametrize("is_on", [True, False])
def test_schedules_have_switches(daemon: Daemon, is_on: bool):
    """Off, a schedule does not run from the start; training every month is off unless asked for."""
    switches = ("automation_schedule", "automation_monthly_training", "housekeeping_schedule")
    changed = dict.fromkeys(switches, is_on)
    settings = daemon.settings.model_copy(update=changed)
    status = {
        schedule.name: schedule.default_status.value
        for schedule in automate([TINY], settings).schedules
    }
    assert set(status.values()) == {"RUNNING" if is_on else "STOPPED"}
    assert not daemon.settings.automation_monthly_training


def test_monthly_training_needs_features(daemon: Daemon):
    """A month without features is not trained."""
    assert isinstance(on_the_first(daemon, "tiny_monthly_training"), SkipReason)
    daemon.materialize("customer_features", JANUARY)
    assert isinstance(on_the_first(daemon, "tiny_monthly_training"), RunRequest)


@pytest.mark.parametrize(
    ("zone", "clock"),
    [
        ("UTC", "UTC"),
        ("Europe/Berlin", "UTC"),
        ("Asia/Tokyo", "UTC"),
        ("America/New_York", "America/New_York"),
        ("Atlantic/Azores", "Atlantic/Azores"),  # west of UTC in winter alone
    ],
)
def test_the_month_is_asked_for_once_it_has_ended_by_both_clocks(zone: str, clock: str):
    """Dagster's months end by UTC, the operator's by its own clock."""
    assert clock_of(TINY.model_copy(update={"timezone": zone})) == clock
