"""Both brokers do what a stream wants of one, by their real protocols."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from churn_platform.errors import StreamError
from churn_platform.streams import nats
from churn_platform.streams.broker import Broker, Letter, Taken
from churn_platform.streams.opening import Access, Kind, open_broker
from churn_platform_tests.support.brokers import (
    DEAD,
    EVENTS,
    KafkaCluster,
    NatsServer,
    broker_of,
)
from churn_platform_tests.support.ports import free_ports
from churn_platform_tests.support.waiting import eventually

Server = KafkaCluster | NatsServer


@pytest.fixture(scope="module", params=list(Kind))
def kind(request) -> Kind:
    """Each kind of broker."""
    return request.param


@pytest.fixture(scope="module")
def server(kind: Kind, tmp_path_factory) -> Iterator[Server]:
    """A broker with ten events."""
    with broker_of(kind, tmp_path_factory.mktemp("broker")) as started:
        started.send([b"%d" % number for number in range(10)])
        yield started


def opened(kind: Kind, address: str, group: str) -> Broker:
    """A member of a group."""
    return open_broker(kind, Access(address), topic=EVENTS, group=group)


def taken_from(broker: Broker, count: int) -> list[Taken]:
    """So many messages, in their order within a partition."""
    found: list[Taken] = []
    eventually(lambda: len(more(broker, found)) >= count, seconds=30)
    return found


def more(broker: Broker, found: list[Taken]) -> list[Taken]:
    """Take what comes next."""
    found += broker.take(100)
    return found


def test_what_was_not_acknowledged_comes_again(kind, server, monkeypatch):
    """To the next member of the group; what was does not. Each group gets everything."""
    monkeypatch.setattr(nats, "ACK_SECONDS", 1.0)
    first, other = (opened(kind, server.address, group) for group in ("host a", "host b"))
    taken = taken_from(first, 10)
    assert {one.value for one in taken} == {b"%d" % number for number in range(10)}
    assert len({one.place for one in taken}) == 10
    assert min(one.sent_at for one in taken) > 1.7e9
    assert first.lag() == 10
    # All but the last of its partition.
    by_place = sorted(taken, key=lambda one: (len(one.place), one.place))
    *settled, last = by_place
    first.settle(settled)
    eventually(lambda: first.lag() == 1)
    first.close()
    second = opened(kind, server.address, "host a")
    again = taken_from(second, 1)
    assert [one.value for one in again] == [last.value]
    second.settle(again)
    eventually(lambda: second.lag() == 0)
    second.close()
    assert len(taken_from(other, 10)) == 10
    other.close()


def test_what_is_sent_is_there_with_its_headers(kind, server):
    """Once the call returns."""
    broker = opened(kind, server.address, "sender")
    about = {"churn-reason": "features.tickets: -1, allowed is 0 to 9"}
    broker.send([Letter(DEAD, "C1", b"\x00not json", "dead/1", about)])
    broker.close()
    ((value, headers),) = server.sent(DEAD, 1)
    assert value == b"\x00not json"
    assert headers["churn-reason"] == about["churn-reason"]
    assert "dead/1" in headers.values()


def test_a_broker_that_does_not_answer_is_named_with_its_setting(kind):
    """In one line; a later try may go well."""
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}" if kind is Kind.KAFKA else f"nats://127.0.0.1:{port}"
    broker = opened(kind, address, "host a")
    with pytest.raises(StreamError) as told:
        broker.take(1)
    assert f"{kind} at {address} (CHURN_STREAM_ADDRESS) does not answer: " in str(told.value)
    assert "\n" not in str(told.value)
    assert broker.lag() is None
    broker.close()


def test_a_server_that_was_killed_is_read_on_once_it_is_back(tmp_path: Path):
    """By the same connection's successor, from where it was left."""
    with broker_of("nats", tmp_path) as server:
        assert isinstance(server, NatsServer)
        server.send([b"1", b"2"])
        broker = opened(Kind.NATS, server.address, "host a")
        first, *_ = taken = taken_from(broker, 2)
        broker.settle(taken)
        server.kill()
        with pytest.raises(StreamError, match="does not answer"):
            broker.send([Letter(EVENTS, "", b"3", "3")])
        server.start()
        broker.send([Letter(EVENTS, "", b"3", "3")])
        # A server that was killed may have forgotten acknowledgements, which lose no event.
        eventually(lambda: b"3" in [one.value for one in broker.take(100)])
        assert first.place == "EVENTS/1"
        broker.close()


def test_a_subject_without_a_stream_is_named(tmp_path: Path):
    """With the command that makes one."""
    with broker_of("nats", tmp_path) as server:
        broker = open_broker(Kind.NATS, Access(server.address), topic="none", group="a")
        with pytest.raises(
            StreamError, match=r"no stream with the subject 'none'.*nats stream add"
        ):
            broker.take(1)
        with pytest.raises(StreamError, match="no stream that takes a subject"):
            broker.send([Letter("none", "", b"", "1")])
        broker.close()
