"""`churn stream` says what it lacks before it reads anything."""

import signal
import socket

import pytest

from churn_platform.cli import stream_commands


@pytest.fixture(autouse=True)
def handlers():
    """The command ends at signals by handlers of its own; those of the tests come back."""
    kept = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    yield
    for each, handler in kept.items():
        signal.signal(each, handler)


class SilentBroker:
    """A broker that has nothing."""

    def lag(self) -> None:
        """It does not know."""


@pytest.fixture
def groups(monkeypatch) -> list[str]:
    """The groups that read, of brokers that have nothing."""
    found: list[str] = []

    def open_broker(*_, group: str, **__) -> SilentBroker:
        found.append(group)
        return SilentBroker()

    monkeypatch.setattr(stream_commands, "open_broker", open_broker)
    return found


def test_a_broker_without_an_address_is_told(refusal):
    """By its setting, with an example for the broker that is meant."""
    told = refusal("stream", "--from", "nats")
    assert "CHURN_STREAM_ADDRESS is empty; set it, for example to nats://host:4222" in told


def test_an_address_that_is_none_is_told(refusal):
    """With one that is."""
    told = refusal("stream", "--from", "kafka", "--url", "localhost")
    assert "'localhost' is no address; write for example http://127.0.0.1:8080" in told


@pytest.mark.parametrize(
    ("options", "group"),
    [((), f"churn-{socket.gethostname()}"), (("--group", "churn-b"), "churn-b")],
)
def test_each_host_reads_by_a_group_of_its_own(refusal, groups, options, group):
    """And a port in use is told with another to try."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = refusal("stream", "--from", "kafka", "--port", str(port), *options)
    assert groups == [group]
    assert told.startswith(f"port {port} of 127.0.0.1 cannot be used")
    assert f"churn stream --port {port + 1}" in told
