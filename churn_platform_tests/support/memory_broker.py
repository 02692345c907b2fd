"""A broker in memory, for what is decided about events without one."""

from collections.abc import Sequence

from churn_platform.errors import StreamError
from churn_platform.streams.broker import Letter, Taken


class MemoryBroker:
    """Gives out what waits, again and again until it is settled. It fails as often as it is told
    to.
    """

    def __init__(self, *values: bytes):
        self.waiting = [
            Taken(f"events/0/{place}", value, 5.0) for place, value in enumerate(values)
        ]
        self.sent: list[Letter] = []
        self.done: list[str] = []
        self.failures = 0

    def take(self, most: int) -> list[Taken]:
        """What waits."""
        return self.waiting[:most]

    def settle(self, taken: Sequence[Taken]) -> None:
        """No longer give it out."""
        self._fail("settled")
        self.waiting = [one for one in self.waiting if one not in taken]

    def send(self, letters: Sequence[Letter]) -> None:
        """Keep them."""
        self._fail("sent")
        self.sent += letters

    def lag(self) -> int | None:
        """How many wait."""
        return len(self.waiting)

    def close(self) -> None:
        """Nothing to do."""

    def _fail(self, what: str) -> None:
        if self.failures:
            self.failures -= 1
            raise StreamError("the broker does not answer")
        self.done.append(what)
