"""An event of a customer as JSON."""

from datetime import UTC, datetime

import msgspec
import pytest

from churn_platform.published.customer_events import (
    CustomerEvent,
    event_bytes,
    instant,
    microseconds,
    read_event,
)

EVENT = b"""{"portfolio": "tiny", "customer_id": "C1", "event_time": "2026-11-29T23:10:02.5+01:00",
 "features": {"tickets": 4, "plan": null}}"""


def test_an_event_is_read_as_documented():
    """Its instant is the same in every time zone."""
    event = read_event(EVENT)
    assert event.event_time.astimezone(UTC) == datetime(2026, 11, 29, 22, 10, 2, 500_000, UTC)
    assert (event.features, event.ttl_seconds) == ({"tickets": 4, "plan": None}, None)
    assert read_event(event_bytes(event)) == event


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (b'"portfolio": "tiny"', b'"portfolio": ""'),
        (b'"portfolio": "tiny", ', b""),
        (b"+01:00", b""),
        (b'{"tickets": 4, "plan": null}', b"{}"),
        (b'{"tickets": 4, "plan": null}', b'{"tickets": [4]}'),
        (b'"features"', b'"ttl_seconds": 0, "features"'),
        (b'"features"', b'"ttl": 5, "features"'),
        (b"}}", b"}"),
    ],
)
def test_what_is_no_event_is_refused(said, wrong):
    """A field that is missing, unknown or empty, a time without a zone, half an event."""
    with pytest.raises(msgspec.MsgspecError):
        read_event(EVENT.replace(said, wrong))


@pytest.mark.parametrize("at_us", [0, 1, 1_795_990_489_617_123, 1_795_990_489_999_999])
def test_an_instant_is_exact_to_the_microsecond(at_us):
    """There and back, also by the JSON of an event: it decides which of two values is newer."""
    assert microseconds(instant(at_us)) == at_us
    event = CustomerEvent("tiny", "C1", instant(at_us), {"tickets": 1})
    assert microseconds(read_event(event_bytes(event)).event_time) == at_us
