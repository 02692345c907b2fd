"""The loop: pushes of this host go out, events of all hosts come in, each is acknowledged once it
is kept.

A process of its own beside each service, not a part of it. The service needs no broker's client
and waits for none; each host reads every event by a group of its own, so every replica gets them;
and what is kept, scored and logged goes through the service's own routes. Every part may be killed
at any instant: what was not acknowledged comes again, and changes nothing if it was kept.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import msgspec
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_exponential,
)

from churn_platform.errors import RefusedEventError, StreamError
from churn_platform.published.customer_events import EVENT_BYTES_MAX, CustomerEvent, read_event
from churn_platform.published.push_outbox import PushOutbox, lines_of
from churn_platform.streams.broker import Broker, Letter, Taken
from churn_platform.streams.metrics import KEPT, REFUSED, StreamMetrics
from churn_platform.streams.service import Service

AT_ONCE = 200
WAIT_SECONDS_MAX = 30.0
REASON_CHARACTERS = 600

Given = ParamSpec("Given")
Result = TypeVar("Result")
Read = list[tuple[Taken, CustomerEvent]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Topics:
    """Where events come from, where those go that cannot be kept, and, if any, scores."""

    events: str
    dead_letters: str
    scores: str = ""


class Stream:
    """Events of a broker for one service; used by one thread. It runs until `ended` is set."""

    def __init__(
        self,
        broker: Broker,
        service: Service,
        outbox: PushOutbox,
        topics: Topics,
        metrics: StreamMetrics,
        ended: threading.Event,
    ):
        self._broker = broker
        self._service = service
        self._outbox = outbox
        self._topics = topics
        self._metrics = metrics
        self._ended = ended
        self._waits = ""

    def run(self) -> None:
        """Go on until it is ended; what is in hand then is finished, if nobody is waited for."""
        try:
            while not self._ended.is_set():
                self.step()
        except StreamError:
            # Only once it is ended: what was in hand is not acknowledged, and comes again.
            logger.info("ended while waiting")

    def step(self) -> None:
        """One round. StreamError: ended while it waited."""
        self._share_pushes()
        taken = self._tried(self._broker.take, AT_ONCE)
        if not taken:
            return

        self._metrics.in_hand(taken)
        refused: dict[str, str] = {}
        events = _read(taken, refused)
        self._keep(events, refused)
        scores: list[Letter] = []
        if self._topics.scores:
            scores = self._scored(events, refused)

        dead = []
        for one in taken:
            why = refused.get(one.place)
            if why is not None:
                dead.append(self._dead(one, why))

        # Before the acknowledgement: a kill in between sends them once more, and loses none.
        self._send(scores + dead)
        self._tried(self._broker.settle, taken)

        self._metrics.in_hand([])
        self._metrics.events.labels(KEPT).inc(len(taken) - len(refused))
        self._metrics.events.labels(REFUSED).inc(len(refused))
        self._metrics.scored.inc(len(scores))

    def _keep(self, events: Read, refused: dict[str, str]) -> None:
        # By portfolio, since a request to the service is about one.
        by_portfolio: dict[str, Read] = {}
        for one, event in events:
            own = by_portfolio.setdefault(event.portfolio, [])
            own.append((one, event))

        for portfolio in sorted(by_portfolio):
            own = by_portfolio[portfolio]
            own_events = [event for _, event in own]
            why = self._tried(self._service.keep, portfolio, own_events)
            for number, reason in why.items():
                one, _ = own[number]
                refused[one.place] = reason

    def _scored(self, events: Read, refused: dict[str, str]) -> list[Letter]:
        """A message for each event that was kept, with the customer's score as it is now."""
        letters = []
        for one, event in events:
            if one.place in refused:
                continue
            try:
                answer = self._tried(self._service.score, event.portfolio, event.customer_id)
            except RefusedEventError as error:
                refused[one.place] = str(error)
                continue

            # The place tells readers which scores answer one event, after a kill perhaps two.
            about = {"churn-event": one.place}
            letters.append(
                Letter(self._topics.scores, event.customer_id, answer, f"score/{one.place}", about)
            )

        return letters

    def _dead(self, one: Taken, why: str) -> Letter:
        """The event as it came, with the reason; a value too long for any event is cut."""
        reason = " ".join(why.split())[:REASON_CHARACTERS]
        logger.warning("event %s is put to %s: %s", one.place, self._topics.dead_letters, reason)
        about = {
            "churn-event": one.place,
            "churn-reason": reason,
        }
        value = one.value[:EVENT_BYTES_MAX]

        return Letter(
            self._topics.dead_letters,
            one.place,
            value,
            f"dead/{one.place}",
            about,
        )

    def _share_pushes(self) -> None:
        """Publish what applications pushed to this host."""
        for path in self._outbox.take():
            letters = []
            for number, line in enumerate(lines_of(path)):
                place = f"push/{path.stem}/{number}"
                letters.append(self._shared(place, line))

            self._send(letters)
            # Only now: after a kill they go out again, under the ids that they had.
            path.unlink(missing_ok=True)
            self._metrics.shared.inc(len(letters))

    def _shared(self, place: str, line: bytes) -> Letter:
        try:
            event = read_event(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return self._dead(Taken(place, line, 0.0), f"a push that is not whole: {error}")
        return Letter(
            self._topics.events,
            event.customer_id,
            line,
            place,
        )

    def _send(self, letters: Sequence[Letter]) -> None:
        for begin in range(0, len(letters), AT_ONCE):
            self._tried(self._broker.send, letters[begin : begin + AT_ONCE])

    def _tried(
        self, act: Callable[Given, Result], *given: Given.args, **named: Given.kwargs
    ) -> Result:
        """What the act returns, tried until it does; StreamError only once it is ended."""
        retrying = Retrying(
            retry=retry_if_exception_type(StreamError),
            wait=wait_exponential(multiplier=0.5, max=WAIT_SECONDS_MAX),
            stop=stop_when_event_set(self._ended),
            sleep=sleep_using_event(self._ended),
            before_sleep=self._tell,
            reraise=True,
        )
        found = retrying(act, *given, **named)
        if self._waits:
            logger.warning("goes on")
            self._waits = ""
        self._metrics.up.set(1)
        return found

    def _tell(self, state: RetryCallState) -> None:
        """Say what is waited for: once, until it changes."""
        self._metrics.up.set(0)
        error = state.outcome.exception() if state.outcome else None
        if str(error) != self._waits:
            logger.error("%s; tried again until it goes well", error)
        self._waits = str(error)


def _read(taken: Sequence[Taken], refused: dict[str, str]) -> Read:
    """The events in messages; why the others are none is noted by their place."""
    events = []
    for one in taken:
        try:
            if len(one.value) > EVENT_BYTES_MAX:
                raise RefusedEventError(
                    f"{len(one.value)} bytes; an event has at most {EVENT_BYTES_MAX}"
                )

            events.append((one, read_event(one.value)))
        # JSON may be nested more deeply than can be read.
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            refused[one.place] = f"no event: {error}"
        except RefusedEventError as error:
            refused[one.place] = str(error)

    return events
