"""What the stream tells Prometheus of itself, on a port of its own."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Metric
from prometheus_client.core import GaugeMetricFamily

from churn_platform.streams.broker import Taken

KEPT, REFUSED = "kept", "refused"


class StreamMetrics:
    """The counters of one process. Nothing is labelled by portfolio: an event may name any.

    clock: seconds since 1970. lag: messages that wait; asked at each scrape.
    """

    def __init__(self, *, clock: Callable[[], float], lag: Callable[[], int | None]):
        self.registry = CollectorRegistry()
        self._clock, self._lag, self._oldest_sent_at = clock, lag, 0.0
        self.up = Gauge(
            "churn_stream_up",
            "1 while broker and service do their part, 0 while one is waited for.",
            registry=self.registry,
        )
        self.events = Counter(
            "churn_stream_events",
            "Events that the service took, and those that were put to the dead letters.",
            ("outcome",),
            registry=self.registry,
        )
        self.scored = Counter(
            "churn_stream_scored", "Scored messages that were sent.", registry=self.registry
        )
        self.shared = Counter(
            "churn_stream_shared",
            "Pushes of this host that were published to all.",
            registry=self.registry,
        )
        # Zeros at first: Prometheus takes a counter that begins at 1 for no increase.
        for outcome in (KEPT, REFUSED):
            self.events.labels(outcome)
        self.registry.register(self)  # type: ignore[arg-type]

    def in_hand(self, taken: list[Taken]) -> None:
        """What was taken and is not acknowledged yet."""
        self._oldest_sent_at = min((one.sent_at for one in taken), default=0.0)

    def describe(self) -> Iterator[Metric]:
        """Both without a value, so that registering them asks no broker."""
        yield GaugeMetricFamily("churn_stream_lag_events", "Events on the stream that wait.")
        yield GaugeMetricFamily("churn_stream_lag_seconds", "Age of the event that is next.")

    def collect(self) -> Iterator[Metric]:
        """What waits now. Ages are told, not instants: an event in hand may be of any time."""
        events, seconds = self.describe()
        lag = self._lag()
        if lag is not None:
            events.add_metric((), lag)  # type: ignore[attr-defined]

        age = 0.0
        oldest = self._oldest_sent_at
        if oldest:
            # The clock of whoever sent it may be ahead of this host's.
            age = max(0.0, self._clock() - oldest)

        seconds.add_metric((), age)  # type: ignore[attr-defined]
        yield from (events, seconds)
