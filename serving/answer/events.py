"""Takes events of customers, as a stream carries them: in any order, and any number of times.

They count as pushes do, but for their time: of each feature the value of the newest event holds.
They are never published again, for they come from the stream that all hosts read.
"""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from churn_platform.published.customer_events import EVENT_TIME, microseconds
from serving.answer.answers import EventError, EventsAnswer
from serving.answer.dataplane import Dataplane
from serving.errors import Fault, InvalidRequest, TooLarge
from serving.registry import ServedPortfolio
from serving.request.inputs import FAULTS_MAX, shown
from serving.request.pushed_values import read_push
from serving.request.subject import read_object
from serving.security.callers import Caller
from serving.storage.pushed_file import AHEAD_SECONDS_MAX
from serving.storage.pushed_store import Event

EVENTS = "events"
FAULTS_SHOWN = 5


def keep_events(
    plane: Dataplane, portfolio_name: str | None, body: bytes, request_id: str, caller: Caller
) -> EventsAnswer:
    """Keep what events say; it is on disk, and seen by every worker process, when this returns.

    One that is wrong is told in the answer and sinks no other.
    """
    portfolio = plane.registry.get(portfolio_name)
    given = _events(body)
    if len(given) > plane.settings.batch_max:
        raise TooLarge(f"{len(given)} events; {plane.settings.batch_max} are allowed, send several")

    caller.count(len(given), counted=1)
    now = time.time()
    events: list[Event] = []
    errors: list[EventError] = []
    for position, one in enumerate(given):
        try:
            events.append(_read(plane, portfolio, one, now))
        except InvalidRequest as error:
            # Bounded: what is wrong with one event must not be longer than the event.
            told = InvalidRequest(error.faults[:FAULTS_SHOWN])
            errors.append(EventError(position=position, detail=str(told)))

    changed = plane.overlay.put_events(portfolio.name, events, now)
    features = sum(len(event.features) for event in events)
    plane.metrics.pushes.labels(portfolio.name).inc(features)
    return EventsAnswer(
        request_id=request_id,
        portfolio=portfolio.name,
        kept=changed,
        outdated=len(events) - changed,
        errors=errors,
    )


def _events(body: bytes) -> list[Any]:
    given = read_object(body)
    faults = []
    for name, value in given.items():
        if name != EVENTS:
            faults.append(Fault(name[:80], shown(value), f"only {EVENTS!r}"))

    events = given.get(EVENTS)
    if not isinstance(events, list) or not events:
        faults.append(Fault(EVENTS, shown(events), "a list of at least one event"))
    if faults:
        raise InvalidRequest(faults[:FAULTS_MAX])

    return events  # type: ignore[return-value]


def _read(plane: Dataplane, portfolio: ServedPortfolio, given: Any, now: float) -> Event:
    if not isinstance(given, dict):
        raise InvalidRequest([Fault(EVENTS, shown(given), "objects")])

    pushed, faults = read_push(portfolio, given, plane.settings, beside=(EVENT_TIME,))
    at_us = _instant(given, faults, now)
    if faults or pushed is None:
        raise InvalidRequest(faults)

    plane.overlay.check(portfolio.name, pushed.customer_id, pushed.features)
    return Event(*pushed, at_us)


def _instant(given: Mapping[str, Any], faults: list[Fault], now: float) -> int:
    """When the event was, in microseconds; 0 with a fault."""
    value = given.get(EVENT_TIME)
    try:
        at = msgspec.convert(value, datetime)
        is_read = at.tzinfo is not None
        at_us = microseconds(at) if is_read else 0
    except (msgspec.ValidationError, OverflowError):
        is_read = False

    if not is_read:
        allowed = "RFC 3339 with its distance to UTC, such as 2026-11-29T22:10:02Z"
        faults.append(Fault(EVENT_TIME, shown(value), allowed))
        return 0

    # A clock that is far ahead would keep out every newer value until its time has come.
    if at_us > (now + AHEAD_SECONDS_MAX) * 1e6:
        allowed = f"at most {AHEAD_SECONDS_MAX:g} seconds ahead of this host's clock"
        faults.append(Fault(EVENT_TIME, shown(value), allowed))

    return at_us
