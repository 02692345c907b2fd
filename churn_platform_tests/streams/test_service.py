"""What an answer of the service means for events: kept, refused, or to be tried again."""

import json
from pathlib import Path

import pytest

from churn_platform.errors import RefusedEventError, SettingsError, StreamError
from churn_platform.published.customer_events import CustomerEvent, instant
from churn_platform.streams.service import BATCH_BYTES, BATCH_EVENTS, Service, batches
from churn_platform_tests.support.ports import free_ports

EVENTS = [CustomerEvent("tiny", f"C{number}", instant(number), {"a": 1}) for number in range(5)]
KEPT = (200, b'{"errors": []}')
HEALTH = (200, b'{"portfolios": {"tiny": {}}}')


class Scripted(Service):
    """A service that answers as it is told, at most `most` events at once."""

    def __init__(self, *answers: tuple[int, bytes], most: int = 500):
        super().__init__("http://127.0.0.1:1")
        self.asked: list[str] = []
        self._answers, self._most = list(answers), most

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        self.asked.append(f"{method} {path}")
        if body and len(json.loads(body).get("events", ())) > self._most:
            return 413, b""
        return self._answers.pop(0)


def problem(status: int, detail: str) -> tuple[int, bytes]:
    """An error of the service."""
    return status, json.dumps({"detail": detail}).encode()


def test_events_that_are_refused_are_told_by_their_place():
    """Also where the service takes fewer at once than it is sent."""
    refusal = (200, b'{"errors": [{"position": 1, "detail": "wrong"}]}')
    assert Scripted(KEPT).keep("tiny", EVENTS) == {}
    assert Scripted(refusal).keep("tiny", EVENTS) == {1: "wrong"}
    halved = Scripted(refusal, refusal, KEPT, most=2)
    assert halved.keep("tiny", EVENTS) == {1: "wrong", 3: "wrong"}
    assert Scripted(most=0).keep("tiny", EVENTS[:1]) == {
        0: "the event is longer than a request to the service may be"
    }


def test_a_portfolio_that_is_not_served_is_a_reason_to_refuse():
    """A service that does not know the route, or cannot say, is none: it may be a wrong address."""
    unknown = problem(404, "no portfolio 'other'; there are tiny")
    assert Scripted(unknown, HEALTH).keep("other", EVENTS[:1]) == {
        0: "no portfolio 'other'; there are tiny"
    }
    with pytest.raises(StreamError, match="answers 404"):
        Scripted((404, b"<html>"), HEALTH).keep("tiny", EVENTS)
    with pytest.raises(StreamError, match="answers 404"):
        Scripted((404, b"<html>"), (404, b"<html>")).keep("other", EVENTS)


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 502, 503, 507])
def test_what_may_go_well_later_is_no_fault_of_an_event(status):
    """A wrong key, a rate, a full disk, a proxy without its service."""
    with pytest.raises(StreamError, match=rf"\(--url\) answers {status} to /tiny/features/events"):
        Scripted(problem(status, "not now")).keep("tiny", EVENTS)


def test_a_score_is_the_answer_as_it_is():
    """A customer of whom nothing is known has none."""
    service = Scripted((200, b'{"churn_probability": 0.5}'), problem(404, "no customer 'C9'"))
    assert service.score("tiny", "C1") == b'{"churn_probability": 0.5}'
    with pytest.raises(RefusedEventError, match="cannot be scored: no customer 'C9'"):
        service.score("tiny", "C9")
    assert service.asked == ["POST /tiny/predict"] * 2


def test_batches_are_as_long_as_the_service_takes_by_its_defaults():
    """By number and by bytes, in order."""
    many = [b"%d" % number for number in range(BATCH_EVENTS + 1)]
    assert [len(batch) for batch in batches(many)] == [BATCH_EVENTS, 1]
    long = [b"x" * (BATCH_BYTES // 2 + 1)] * 3
    assert [len(batch) for batch in batches(long)] == [1, 1, 1]
    assert batches([]) == []


def test_a_service_that_does_not_answer_is_named(tmp_path: Path):
    """With its address; a key that cannot be read, with its file."""
    (port,) = free_ports(1)
    with pytest.raises(StreamError, match=rf"http://127.0.0.1:{port} \(--url\) does not answer"):
        Service(f"http://127.0.0.1:{port}").keep("tiny", EVENTS)
    with pytest.raises(StreamError, match=r"none \(--key-file\) cannot be read"):
        Service(f"http://127.0.0.1:{port}", tmp_path / "none").score("tiny", "C1")


def test_an_address_that_is_none_is_refused():
    """At the start."""
    with pytest.raises(SettingsError, match="is no address"):
        Service("127.0.0.1:8080")
