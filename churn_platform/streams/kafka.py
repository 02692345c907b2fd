"""Kafka, or what speaks its protocol, by librdkafka."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from churn_platform.errors import StreamError
from churn_platform.streams.broker import ADDRESS, TOPIC, Letter, Taken

WAIT_SECONDS, GATHER_SECONDS = 0.5, 0.02
ASK_SECONDS = 5.0
SEND_SECONDS = 30.0
# librdkafka writes a line per attempt to reach a broker; what is waited for is told once.
QUIET = {"log_level": 2}
# After a kill the group waits so long for its member before another, or the same again, may read.
SESSION_MS = 10_000
# Answers to an acknowledgement of messages that the group has given to somebody else meanwhile.
LOST = frozenset(
    (
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError._ASSIGNMENT_LOST,
        KafkaError._NO_OFFSET,
    )
)

logger = logging.getLogger(__name__)


class KafkaBroker:
    """The topic `topic` as `group` reads it.

    options: further ones of librdkafka, such as those of TLS and passwords.
    """

    def __init__(
        self, address: str, *, topic: str, group: str, options: Mapping[str, Any] | None = None
    ):
        self._address = address
        self._topic = topic
        # A fault from the start, so that the first `take` asks whether there is such a topic.
        self._fault: str | None = "no answer yet"
        told = {"bootstrap.servers": address, "error_cb": self._failed}
        shared = {**told, **QUIET, **(options or {})}
        self._consumer = Consumer(
            {
                "group.id": group,
                "enable.auto.commit": False,
                # A new replica has no features yet, so all that the topic still holds is news.
                "auto.offset.reset": "earliest",
                "session.timeout.ms": SESSION_MS,
                **shared,
            }
        )
        self._producer = Producer(
            {
                # What librdkafka sends again by itself is written once, and in its order.
                "enable.idempotence": True,
                "message.timeout.ms": int(SEND_SECONDS * 1e3),
                **shared,
            }
        )
        self._settled: dict[tuple[str, int], int] = {}
        # Another member may have gone on in a partition, so what was known of it is out of date.
        self._consumer.subscribe([topic], on_assign=lambda *_: self._settled.clear())

    def take(self, most: int) -> list[Taken]:
        """Messages that come next; see `Broker`."""
        if self._fault is not None:
            self._check()

        # One alone first: asked for many, librdkafka waits until there are as many.
        first = self._consumer.poll(WAIT_SECONDS)
        found = [] if first is None else [first]
        if found and most > 1:
            found += self._consumer.consume(most - 1, GATHER_SECONDS)

        taken = []
        for message in found:
            if self._is_event(message):
                taken.append(self._taken(message))

        return taken

    def _check(self) -> None:
        """StreamError unless the brokers answer, and know the topic."""
        try:
            topics = self._consumer.list_topics(self._topic, timeout=ASK_SECONDS).topics
        except KafkaException as error:
            raise self._error(f"does not answer: {_told(error)}") from error

        unknown = topics[self._topic].error
        if unknown is not None:
            raise StreamError(
                f"kafka at {self._address} ({ADDRESS}) has no topic {self._topic!r} ({TOPIC}): "
                f"{unknown.str()}; make it"
            )

        self._fault = None

    def _failed(self, error: KafkaError) -> None:
        # Also for one broker of several, which librdkafka goes on without: the check decides.
        self._fault = error.str()

    def _is_event(self, message: Message) -> bool:
        error = message.error()
        if error is not None:
            self._fault = error.str()
        return error is None

    def _taken(self, message: Message) -> Taken:
        _, milliseconds = message.timestamp()
        partition, offset = _place(message)

        return Taken(
            place=f"{self._topic}/{partition}/{offset}",
            value=message.value() or b"",
            sent_at=milliseconds / 1e3,
            receipt=(partition, offset),
        )

    def settle(self, taken: Sequence[Taken]) -> None:
        """Commit the offsets behind them; see `Broker`."""
        ends: dict[int, int] = {}
        for one in taken:
            partition, offset = one.receipt
            # What is committed is where to go on, so the offset behind the message.
            end = offset + 1
            ends[partition] = max(ends.get(partition, 0), end)

        offsets = []
        for partition, end in sorted(ends.items()):
            offsets.append(TopicPartition(self._topic, partition, end))

        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() not in LOST:
                raise self._error(f"takes no acknowledgement: {_told(error)}") from error

            # Whoever has the partition now takes these again, and changes nothing by that.
            logger.warning("not acknowledged, and read again: %s", _told(error))
            return

        for partition, end in ends.items():
            self._settled[self._topic, partition] = end

    def send(self, letters: Sequence[Letter]) -> None:
        """Produce and wait for all; see `Broker`."""
        refused: list[str] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                refused.append(error.str())

        try:
            for letter in letters:
                headers = letter.headers | {"id": letter.id}
                self._producer.produce(
                    letter.topic,
                    letter.value,
                    key=letter.key,
                    headers=list(headers.items()),
                    on_delivery=delivered,
                )

            waiting = self._producer.flush(SEND_SECONDS)
        except (KafkaException, BufferError) as error:
            waiting = 0
            refused.append(_told(error))

        if waiting or refused:
            # Whoever asked sends all of them again, so none may go out later by itself.
            self._producer.purge()
            why = refused[0] if refused else f"no answer within {SEND_SECONDS:g} s"
            raise self._error(f"takes no message for {letters[0].topic!r}: {why}")

    def lag(self) -> int | None:
        """Messages behind what the group has settled, by what the brokers last said."""
        try:
            assigned = self._consumer.assignment()
            if not assigned:
                return None

            self._ask_settled(assigned)

            found = 0
            for it in assigned:
                low, high = self._consumer.get_watermark_offsets(it, cached=True)
                settled = self._settled[it.topic, it.partition]
                found += max(0, high - max(low, settled))
        # closed, or away
        except (KafkaException, RuntimeError):
            return None

        return found

    def _ask_settled(self, assigned: Sequence[TopicPartition]) -> None:
        """Ask what the group settled of partitions of which this member settled nothing yet."""
        unknown = []
        for it in assigned:
            if (it.topic, it.partition) not in self._settled:
                unknown.append(it)

        if unknown:
            for known in self._consumer.committed(unknown, timeout=ASK_SECONDS):
                # The offset is negative where the group never committed one.
                settled = max(known.offset, 0)
                self._settled.setdefault((known.topic, known.partition), settled)

    def close(self) -> None:
        """Leave the group at once, so that no one waits for this member."""
        self._consumer.close()

    def _error(self, what: str) -> StreamError:
        return StreamError(f"kafka at {self._address} ({ADDRESS}) {what}")


def _place(message: Message) -> tuple[int, int]:
    partition, offset = message.partition(), message.offset()
    assert partition is not None and offset is not None, "a message that was taken has a place"
    return partition, offset


def _told(error: Exception) -> str:
    """What librdkafka says, without its codes."""
    first = error.args[0] if error.args else error
    return first.str() if isinstance(first, KafkaError) else str(first)
