"""Real brokers on loopback: librdkafka's mock cluster, and a NATS server with JetStream."""

import asyncio
import subprocess
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nats
from confluent_kafka import Consumer, Producer
from nats.js.client import JetStreamContext

from churn_platform_tests.support.ports import free_ports
from churn_platform_tests.support.waiting import eventually

EVENTS, DEAD, SCORES = "churn.events", "churn.events.dead", "scores"
Sent = tuple[bytes, dict[str, str]]


class KafkaCluster:
    """Speaks Kafka's own protocol, groups and committed offsets included, as long as it lives."""

    def __init__(self) -> None:
        self._producer = Producer(
            {"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 2}
        )
        brokers = self._producer.list_topics(timeout=10).brokers.values()
        self.address = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
        for topic in (EVENTS, DEAD, SCORES):
            self._producer.list_topics(topic, timeout=10)  # makes it

    def send(self, values: Sequence[bytes], topic: str = EVENTS) -> None:
        """Produce, and wait until all are there."""
        for value in values:
            self._producer.produce(topic, value)
            self._producer.poll(0)
        assert self._producer.flush(30) == 0

    def sent(self, topic: str, count: int) -> list[Sent]:
        """Value and headers of what is in a topic, once there are so many."""
        reader = Consumer(
            {
                "bootstrap.servers": self.address,
                "group.id": f"reader of {topic}",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "log_level": 2,
            }
        )
        reader.subscribe([topic])
        found: list[Sent] = []
        try:
            eventually(lambda: len(_read(reader, found)) >= count, seconds=60)
        finally:
            reader.close()
        return found

    def close(self) -> None:
        """It ends with its producer."""


def _read(reader: Consumer, found: list[Sent]) -> list[Sent]:
    for message in reader.consume(500, 0.2):
        assert message.error() is None
        headers = {name: value.decode() for name, value in message.headers() or ()}
        found.append((message.value(), headers))
    return found


class NatsServer:
    """A NATS server with JetStream, whose streams are in a folder. It may be killed and started
    again.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._port = free_ports(1)[0]
        self.address = f"nats://127.0.0.1:{self._port}"
        self.start()
        self._do(self._make_streams)

    def start(self) -> None:
        """Start it on its port, with the streams that its folder has."""
        binary = Path(sys.executable).with_name("nats-server")
        options = ["-js", "-a", "127.0.0.1", "-p", str(self._port), "-sd", str(self._folder)]
        self._process = subprocess.Popen(
            [str(binary), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(self._answers)

    def kill(self) -> None:
        """End it as a loss of power would, but for what is in the page cache."""
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            self._do(lambda context: context.account_info())
        except (OSError, nats.errors.Error):
            return False
        return True

    @staticmethod
    async def _make_streams(context: JetStreamContext) -> None:
        for name, subject in (("EVENTS", EVENTS), ("DEAD", DEAD), ("SCORES", SCORES)):
            await context.add_stream(name=name, subjects=[subject])

    def send(self, values: Sequence[bytes], topic: str = EVENTS) -> None:
        """Publish, and wait until all are there."""

        async def publish(context: JetStreamContext) -> None:
            for begin in range(0, len(values), 500):
                batch = values[begin : begin + 500]
                await asyncio.gather(*(context.publish(topic, value) for value in batch))

        self._do(publish)

    def sent(self, topic: str, count: int) -> list[Sent]:
        """Value and headers of what is in a subject, once there are so many."""
        found: list[Sent] = []

        async def read(context: JetStreamContext) -> None:
            reading = await context.subscribe(topic, ordered_consumer=True)
            try:
                while True:
                    message = await reading.next_msg(timeout=0.3)
                    found.append((message.data, dict(message.headers or {})))
            except nats.errors.TimeoutError:
                return

        def is_there() -> bool:
            found.clear()
            self._do(read)
            return len(found) >= count

        eventually(is_there, seconds=60)
        return found

    def _do(self, work: Any) -> None:
        async def connected() -> None:
            client = await nats.connect(self.address, allow_reconnect=False, error_cb=_ignore)
            try:
                await work(client.jetstream())
            finally:
                await client.close()

        _run(connected())

    def close(self) -> None:
        """End it."""
        self.kill()


async def _ignore(_: Exception) -> None:
    """It does not answer yet."""


def _run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


@contextmanager
def broker_of(kind: str, folder: Path) -> Iterator[KafkaCluster | NatsServer]:
    """A broker of a kind, with topics for events, dead letters and scores."""
    broker = KafkaCluster() if kind == "kafka" else NatsServer(folder)
    try:
        yield broker
    finally:
        broker.close()
