"""A clock that was a year ahead and has gone back stops no sensor and no schedule."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster import DagsterInstance
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)

from churn_platform.graph.clock import forget_future_looks

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AHEAD, BEFORE = ((NOW + timedelta(days=days)).timestamp() for days in (365, -1))


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    """Without any sensor."""
    with DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


def origin(name: str) -> RemoteInstigatorOrigin:
    """Where a sensor of that name is defined."""
    location = RegisteredCodeLocationOrigin("churn_platform")
    return RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)


def add_sensor(instance: DagsterInstance, name: str, at: float) -> None:
    """A sensor whose last look was then."""
    data = SensorInstigatorData(
        cursor="seen: 2026-01", last_tick_timestamp=at, last_tick_start_timestamp=at
    )
    running = InstigatorStatus.RUNNING
    instance.add_instigator_state(
        InstigatorState(origin(name), InstigatorType.SENSOR, running, data)
    )


def add_schedule(instance: DagsterInstance, name: str, at: float) -> InstigatorState:
    """A schedule whose last look was then."""
    data = ScheduleInstigatorData("0 2 1 * *", start_timestamp=BEFORE)
    running = InstigatorStatus.RUNNING
    state = InstigatorState(origin(name), InstigatorType.SCHEDULE, running, data)
    instance.add_instigator_state(state)
    tick = TickData(
        instigator_origin_id=state.instigator_origin_id,
        instigator_name=name,
        instigator_type=InstigatorType.SCHEDULE,
        status=TickStatus.SKIPPED,
        skip_reason="nothing new",
        timestamp=at,
        selector_id=state.selector_id,
    )
    instance.create_tick(tick)
    return state


def data_of(instance: DagsterInstance, name: str) -> object:
    """What is kept of a sensor or schedule."""
    states = {state.instigator_name: state for state in instance.all_instigator_state()}
    return states[name].instigator_data


def test_a_sensor_looks_again_and_keeps_its_cursor(instance):
    """One whose dates are of the past is left as it is."""
    add_sensor(instance, "landing", AHEAD)
    add_sensor(instance, "dead_runs", BEFORE)
    before = data_of(instance, "dead_runs")
    assert forget_future_looks(instance, NOW) == ["landing"]
    landing = data_of(instance, "landing")
    assert isinstance(landing, SensorInstigatorData)
    assert landing.last_tick_start_timestamp is landing.last_tick_timestamp is None
    assert landing.cursor == "seen: 2026-01"
    assert data_of(instance, "dead_runs") == before
    assert forget_future_looks(instance, NOW) == []


def test_a_schedule_goes_on_from_now(instance):
    """Its looks ahead are forgotten; those of another schedule stay."""
    ahead = add_schedule(instance, "monthly", AHEAD)
    sound = add_schedule(instance, "housekeeping", BEFORE)
    assert forget_future_looks(instance, NOW) == ["monthly"]
    monthly = data_of(instance, "monthly")
    assert isinstance(monthly, ScheduleInstigatorData)
    assert monthly.start_timestamp == NOW.timestamp()
    assert not instance.get_ticks(ahead.instigator_origin_id, ahead.selector_id)
    assert len(instance.get_ticks(sound.instigator_origin_id, sound.selector_id)) == 1
    assert forget_future_looks(instance, NOW) == []
