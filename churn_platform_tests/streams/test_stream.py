"""The loop: what is kept before it is acknowledged, what is set aside, and what it waits for."""

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from churn_platform.errors import RefusedEventError, StreamError
from churn_platform.published.customer_events import CustomerEvent, instant
from churn_platform.published.push_outbox import PushOutbox
from churn_platform.streams.metrics import StreamMetrics
from churn_platform.streams.stream import Stream, Topics
from churn_platform_tests.support.memory_broker import MemoryBroker

TOPICS = Topics("events", "dead", "scores")


def event(customer_id: str, portfolio: str = "tiny", **features: object) -> bytes:
    """An event as JSON."""
    said = {"portfolio": portfolio, "customer_id": customer_id, "features": features or {"a": 1}}
    return json.dumps(said | {"event_time": "2026-01-01T00:00:00Z"}).encode()


class Host:
    """A stream with a broker in memory and a service that keeps nothing but names."""

    def __init__(self, folder: Path, *values: bytes, topics: Topics = TOPICS):
        self.broker, self.ended = MemoryBroker(*values), threading.Event()
        self.outbox = PushOutbox(folder / "outbox")
        self.metrics = StreamMetrics(clock=lambda: 65.0, lag=self.broker.lag)
        self.kept: list[tuple[str, str]] = []
        self.while_down: list[Callable[[], object]] = []
        self.stream = Stream(
            self.broker,
            self,  # type: ignore[arg-type]
            self.outbox,
            topics,
            self.metrics,
            self.ended,
        )

    def keep(self, portfolio: str, events: Sequence[CustomerEvent]) -> dict[int, str]:
        """Refuse the customer BAD; be down as long as something is to be done meanwhile."""
        if self.while_down:
            self.while_down.pop(0)()
            raise StreamError("the service does not answer")
        self.broker.done.append("kept")
        refused = {}
        for place, one in enumerate(events):
            if one.customer_id == "BAD":
                refused[place] = "a: 1, allowed is none"
            else:
                self.kept.append((portfolio, one.customer_id))
        return refused

    def score(self, portfolio: str, customer_id: str) -> bytes:
        """A score of anybody but C9."""
        if customer_id == "C9":
            raise RefusedEventError("cannot be scored: no customer 'C9'")
        return f"score of {portfolio}/{customer_id}".encode()

    def value(self, metric: str, **labels: str) -> float | None:
        """A metric's value."""
        return self.metrics.registry.get_sample_value(metric, labels)

    def dead(self) -> list[tuple[bytes, str]]:
        """Dead letters with their reasons."""
        letters = [letter for letter in self.broker.sent if letter.topic == "dead"]
        return [(letter.value, letter.headers["churn-reason"]) for letter in letters]


def test_events_are_acknowledged_once_they_are_kept_and_answered(tmp_path):
    """By portfolio; a kill at any point loses none of them."""
    host = Host(tmp_path, event("C1"), event("C2", "other"), event("C3"))
    host.stream.step()
    assert host.kept == [("other", "C2"), ("tiny", "C1"), ("tiny", "C3")]
    assert host.broker.done == ["kept", "kept", "sent", "settled"]
    assert host.broker.waiting == []
    scores = [(letter.topic, letter.key, letter.value) for letter in host.broker.sent]
    assert scores[0] == ("scores", "C1", b"score of tiny/C1")
    assert [letter.headers for letter in host.broker.sent][1] == {"churn-event": "events/0/1"}
    assert host.value("churn_stream_events_total", outcome="kept") == 3
    assert host.value("churn_stream_scored_total") == 3


def test_without_a_topic_for_scores_nothing_is_scored(tmp_path):
    """Events are kept."""
    host = Host(tmp_path, event("C1"), topics=Topics("events", "dead"))
    host.stream.step()
    assert (host.kept, host.broker.sent) == ([("tiny", "C1")], [])


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"\xff", "no event: "),
        (b"[" * 5_000, "no event: "),
        (b'{"portfolio": "tiny"}', "no event: Object missing required field `customer_id`"),
        (event("C1", b="x" * 70_000), "an event has at most 65536"),
        (event("BAD"), "a: 1, allowed is none"),
        (event("C9"), "cannot be scored: no customer 'C9'"),
    ],
)
def test_what_cannot_be_kept_or_scored_is_set_aside_with_its_reason(tmp_path, value, why):
    """Before it is acknowledged; the others are kept."""
    host = Host(tmp_path, value, event("C1"))
    host.stream.step()
    ((said, reason),) = host.dead()
    assert said == value[:65_536]
    assert why in reason
    assert ("tiny", "C1") in host.kept
    assert host.broker.done[-2:] == ["sent", "settled"]
    assert host.value("churn_stream_events_total", outcome="refused") == 1


def test_a_service_that_is_down_is_waited_for(tmp_path, caplog):
    """Nothing is acknowledged meanwhile. It is said once, metrics tell it, and it goes on by
    itself.
    """
    host = Host(tmp_path, event("C1"))
    seen: list[float | None] = []

    def look() -> None:
        seen.append(host.value("churn_stream_lag_events"))
        seen.append(host.value("churn_stream_lag_seconds"))
        seen.append(host.value("churn_stream_up"))

    host.while_down = [look, look, look]
    host.stream.step()
    assert seen == [1.0, 60.0, 1.0, 1.0, 60.0, 0.0, 1.0, 60.0, 0.0]
    assert [record.message for record in caplog.records] == [
        "the service does not answer; tried again until it goes well",
        "goes on",
    ]
    assert host.value("churn_stream_up") == 1.0
    assert host.value("churn_stream_lag_seconds") == 0.0
    assert host.broker.done == ["kept", "sent", "settled"]


def test_what_is_ended_while_it_waits_acknowledges_nothing(tmp_path):
    """What it had in hand comes again."""
    host = Host(tmp_path, event("C1"))
    host.while_down = [host.ended.set]
    host.stream.run()
    assert host.broker.done == []
    assert len(host.broker.waiting) == 1


def test_a_broker_that_fails_is_tried_again(tmp_path):
    """Each of its acts for itself: what was kept is not kept again for that."""
    host = Host(tmp_path, event("C1"))
    host.broker.failures = 3
    host.stream.step()
    assert host.broker.done == ["kept", "sent", "settled"]


def test_pushes_of_this_host_are_published(tmp_path):
    """As they were written down; what was not written whole goes to the dead letters."""
    host = Host(tmp_path)
    pushed = CustomerEvent("tiny", "C1", instant(1), {"tickets": 4}, 60.0)
    host.outbox.append(pushed, 1)
    (path,) = (tmp_path / "outbox").glob("*.jsonl")
    path.write_bytes(path.read_bytes() + b'{"portfolio":')
    host.broker.failures = 1
    host.stream.step()
    published, dead = host.broker.sent
    assert (published.topic, published.key) == ("events", "C1")
    assert json.loads(published.value)["event_time"] == "1970-01-01T00:00:00.000001Z"
    assert (dead.topic, dead.value) == ("dead", b'{"portfolio":')
    assert host.outbox.take() == []


def test_pushes_wait_for_a_broker_that_is_down(tmp_path):
    """Also over the end of the process."""
    host = Host(tmp_path)
    host.outbox.append(CustomerEvent("tiny", "C1", instant(1), {"tickets": 4}), 1)
    host.broker.failures = 1_000
    host.ended.set()
    with pytest.raises(StreamError):
        host.stream.step()
    assert len(host.outbox.take()) == 1
