"""What a stream wants of a broker."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

ADDRESS, TOPIC = "CHURN_STREAM_ADDRESS", "CHURN_STREAM_TOPIC"


@dataclass(frozen=True)
class Taken:
    """A message that was taken, and is not acknowledged yet.

    place: where it is, once for each message of the broker. sent_at: seconds since 1970. receipt:
    what the broker wants back.
    """

    place: str
    value: bytes
    sent_at: float
    receipt: Any = None


@dataclass(frozen=True)
class Letter:
    """A message to send. id: the same when it is sent again, for brokers and readers that leave out
    what they know.
    """

    topic: str
    key: str
    value: bytes
    id: str
    headers: dict[str, str] = field(default_factory=dict)


class Broker(Protocol):
    """A broker, as one member of one group reads it. StreamError, by any method but `close`: it
    cannot be done now; the same call may go well later.
    """

    def take(self, most: int) -> list[Taken]:
        """Messages that come next, none after a moment without one."""

    def settle(self, taken: Sequence[Taken]) -> None:
        """Acknowledge: the group gets them no more. One that was lost is taken again."""

    def send(self, letters: Sequence[Letter]) -> None:
        """Send; the broker keeps them when this returns. After an error some may be there."""

    def lag(self) -> int | None:
        """How many messages the group has not settled; None if that is not known. May be asked by
        another thread.
        """

    def close(self) -> None:
        """Let go of it; what is not settled is the group's next to take."""
