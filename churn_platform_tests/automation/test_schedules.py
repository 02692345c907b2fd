"""The 1st of the month."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import DagsterInstance, RunRequest, SkipReason, build_schedule_context

from churn_platform.automation.everything import automate
from churn_platform.runs import months_of_tags
from churn_platform_tests.automation.conftest import Daemon
from churn_platform_tests.automation.test_intake import deliver
from churn_platform_tests.tiny import JANUARY, TINY

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
    schedules = {schedule.name: schedule for schedule in automate([TINY], daemon.settings).schedules}
    context = build_schedule_context(instance=daemon.instance, scheduled_execution_time=FIRST_OF_FEBRUARY)
    found = schedules[name](context)
    assert isinstance(found, RunRequest | SkipReason)
    return found


def test_the_month_that_has_ended_is_asked_for(daemon: Daemon):
    """Where its files have landed and nothing has taken them in."""
    deliver(daemon, JANUARY)
    found = on_the_first(daemon)
    assert isinstance(found, RunRequest)
    assert months_of_tags(found.tags) == (JANUARY, JANUARY)
    daemon.materialize("customer_features", JANUARY)
    assert isinstance(on_the_first(daemon), SkipReason)


def test_a_month_that_has_not_landed_is_named(daemon: Daemon):
    """Nothing runs, and the schedule says what is missing."""
    found = on_the_first(daemon)
    assert isinstance(found, SkipReason)
    assert "2025-01 has not landed" in (found.skip_message or "")


@pytest.mark.parametrize("is_on", [True, False])
def test_schedules_have_switches(daemon: Daemon, is_on: bool):
    """Off, a schedule does not run from the start; training every month is off unless asked for."""
    switches = ("automation_schedule", "automation_monthly_training", "housekeeping_schedule")
    changed = dict.fromkeys(switches, is_on)
    settings = daemon.settings.model_copy(update=changed)
    status = {schedule.name: schedule.default_status.value for schedule in automate([TINY], settings).schedules}
    assert set(status.values()) == {"RUNNING" if is_on else "STOPPED"}
    assert not daemon.settings.automation_monthly_training


def test_monthly_training_needs_features(daemon: Daemon):
    """A month without features is not trained."""
    assert isinstance(on_the_first(daemon, "tiny_monthly_training"), SkipReason)
    daemon.materialize("customer_features", JANUARY)
    assert isinstance(on_the_first(daemon, "tiny_monthly_training"), RunRequest)
