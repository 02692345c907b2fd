"""Lets sensors and schedules go on after a clock that was ahead has gone back.

Dagster looks at a sensor again some seconds after its last look. If that was dated a year ahead,
the sensor rests for a year, also through restarts: the date is in Dagster's storage.
"""

from datetime import datetime, timedelta

from dagster import DagsterInstance
from dagster._core.scheduler.instigation import (
    InstigatorState,
    ScheduleInstigatorData,
    SensorInstigatorData,
)

# Clocks of several hosts differ a little, and a schedule's look is dated by its due time.
LEEWAY = timedelta(hours=1)
DATES = ("last_tick_timestamp", "last_tick_start_timestamp", "last_tick_success_timestamp")


def forget_future_looks(instance: DagsterInstance, now: datetime) -> list[str]:
    """Take back the dates of looks that lie ahead of `now`; names of the sensors and schedules that
    go on by that. Cursors stay, so nothing is asked for twice.
    """
    latest = (now + LEEWAY).timestamp()
    mended = []
    for state in instance.all_instigator_state():
        data = state.instigator_data
        if isinstance(data, SensorInstigatorData) and _is_ahead(data, latest):
            instance.update_instigator_state(state.with_data(data._replace(**dict.fromkeys(DATES))))
            mended.append(state.instigator_name)
        if isinstance(data, ScheduleInstigatorData) and _looked_ahead(instance, state, latest):
            _begin_now(instance, state, data, now)
            mended.append(state.instigator_name)
    return sorted(mended)


def _is_ahead(data: SensorInstigatorData, latest: float) -> bool:
    return any((getattr(data, name) or 0) > latest for name in DATES)


def _looked_ahead(instance: DagsterInstance, state: InstigatorState, latest: float) -> bool:
    origin, selector = state.instigator_origin_id, state.selector_id
    newest = instance.get_ticks(origin, selector, limit=1)
    data = state.instigator_data
    assert isinstance(data, ScheduleInstigatorData)
    dates = [data.start_timestamp or 0, data.last_iteration_timestamp or 0]
    return max(*dates, *(tick.timestamp for tick in newest)) > latest


def _begin_now(
    instance: DagsterInstance,
    state: InstigatorState,
    data: ScheduleInstigatorData,
    now: datetime,
) -> None:
    # Dagster goes on from the newest look, so the looks go. They are a log alone: what a schedule
    # has asked for has a key, and is asked for once.
    ahead = (now + timedelta(days=36_500)).timestamp()
    instance.purge_ticks(state.instigator_origin_id, state.selector_id, before=ahead)
    started = data._replace(start_timestamp=now.timestamp(), last_iteration_timestamp=None)
    instance.update_instigator_state(state.with_data(started))
