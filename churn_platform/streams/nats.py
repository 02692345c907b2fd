"""NATS JetStream. Its client is asynchronous, so a thread of its own runs the event loop."""

import asyncio
import re
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import TimeoutError as LateError
from typing import Any, TypeVar

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.client import JetStreamContext
from nats.js.errors import NoStreamResponseError, NotFoundError

from churn_platform.errors import StreamError
from churn_platform.streams.broker import ADDRESS, TOPIC, Letter, Taken

WAIT_SECONDS = 0.5
ASK_SECONDS = 10.0
PING_SECONDS = 10
RETRY_SECONDS = 0.1
# What was taken and is not acknowledged within that time, as after a kill, is given out again.
ACK_SECONDS = 10.0
ID_HEADER = "Nats-Msg-Id"  # by which a stream leaves out what it has taken within two minutes

Result = TypeVar("Result")


class NatsBroker:
    """The subject `topic` as the durable consumer `group` reads it; a stream must hold it."""

    def __init__(
        self, address: str, *, topic: str, group: str, options: Mapping[str, Any] | None = None
    ):
        self._address = address
        self._topic = topic
        # What a name of a consumer may not have, such as the dots of a host's.
        self._group = re.sub(r"[^A-Za-z0-9_-]", "-", group)
        self._options = options or {}
        self._client: Client | None = None
        self._reading: JetStreamContext.PullSubscription | None = None
        self._cause = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever,
            name="nats",
            daemon=True,
        )
        self._thread.start()

    def take(self, most: int) -> list[Taken]:
        """Messages that come next; see `Broker`."""
        return self._done(self._take(most))

    def settle(self, taken: Sequence[Taken]) -> None:
        """Acknowledge each; see `Broker`."""
        self._done(self._settle([one.receipt for one in taken]))

    def send(self, letters: Sequence[Letter]) -> None:
        """Publish and wait for all; see `Broker`."""
        self._done(self._send(letters))

    def lag(self) -> int | None:
        """Messages that the stream has and the consumer has not acknowledged."""
        try:
            return self._done(self._lag())
        except StreamError:
            return None

    def close(self) -> None:
        """Close the connection; the durable consumer stays with the server."""
        if self._client is not None:
            asyncio.run_coroutine_threadsafe(self._client.close(), self._loop).result(ASK_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ASK_SECONDS)
        self._loop.close()

    def _done(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What the work returns; StreamError where the server does not do it."""
        working = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return working.result(ASK_SECONDS + ACK_SECONDS)
        except NoStreamResponseError as error:
            raise StreamError(
                f"nats at {self._address} ({ADDRESS}) has no stream that takes a subject of this "
                "command's; make it with `nats stream add`"
            ) from error
        except (NatsError, OSError, LateError, TimeoutError) as error:
            working.cancel()
            why = self._cause or str(error) or type(error).__name__
            self._cause = ""
            raise StreamError(f"nats at {self._address} ({ADDRESS}) does not answer: {why}") from (
                error
            )

    async def _context(self) -> JetStreamContext:
        # The client's own reconnection keeps subscriptions of a server that forgot them; a new
        # connection is the same at the start and after any failure.
        if self._client is None or not self._client.is_connected:
            self._reading = None
            if self._client is not None:
                await self._client.close()
            self._client = await nats.connect(
                self._address,
                name=self._group,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=RETRY_SECONDS,
                connect_timeout=int(ASK_SECONDS),
                # A server that hangs is noticed after three of these.
                ping_interval=PING_SECONDS,
                error_cb=self._note,
                **self._options,
            )
        return self._client.jetstream(timeout=ASK_SECONDS)

    async def _subscription(self) -> JetStreamContext.PullSubscription:
        context = await self._context()
        if self._reading is None:
            # A new replica has no features yet, so all that the stream still holds is news.
            config = ConsumerConfig(
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=ACK_SECONDS,
                deliver_policy=DeliverPolicy.ALL,
                max_ack_pending=10_000,
            )
            try:
                self._reading = await context.pull_subscribe(
                    self._topic, durable=self._group, config=config
                )
            except NotFoundError as error:
                raise StreamError(
                    f"nats at {self._address} ({ADDRESS}) has no stream with the subject "
                    f"{self._topic!r} ({TOPIC}); make it with `nats stream add`"
                ) from error
        return self._reading

    async def _take(self, most: int) -> list[Taken]:
        reading = await self._subscription()
        try:
            messages = await reading.fetch(most, timeout=WAIT_SECONDS)
        except TimeoutError:
            return []
        except NatsError:
            # A server that lost the consumer makes it again for a new subscription.
            self._reading = None
            raise

        taken = []
        for message in messages:
            about = message.metadata
            place = f"{about.stream}/{about.sequence.stream}"
            sent_at = about.timestamp.timestamp()
            taken.append(Taken(place, message.data, sent_at, receipt=message))

        return taken

    async def _settle(self, messages: Sequence[Any]) -> None:
        for message in messages:
            await message.ack()

        # An acknowledgement has no answer; the flush waits until the server has them all.
        if self._client is not None:
            await self._client.flush(timeout=int(ASK_SECONDS))

    async def _send(self, letters: Sequence[Letter]) -> None:
        context = await self._context()
        sending = []
        for letter in letters:
            headers = letter.headers | {ID_HEADER: letter.id}
            publishing = context.publish(letter.topic, letter.value, headers=headers)
            sending.append(publishing)

        # Together: one by one, each would wait for the server's answer to the one before.

        await asyncio.gather(*sending)

    async def _lag(self) -> int | None:
        if self._reading is None:
            return None

        about = await self._reading.consumer_info()
        return (about.num_pending or 0) + (about.num_ack_pending or 0)

    async def _note(self, error: Exception) -> None:
        # The client hides it behind an error of its own, that there are no servers.
        self._cause = str(error) or type(error).__name__
