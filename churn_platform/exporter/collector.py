"""Hands what the sources read to Prometheus."""

from collections.abc import Iterator, Sequence

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from churn_platform.exporter.readings import METRICS
from churn_platform.exporter.sources import Source, read_all

SOURCE_UP = "churn_exporter_source_up"
SOURCE_READ = "churn_exporter_source_read_timestamp_seconds"
OWN = {
    SOURCE_UP: "1 while the newest reading of a store went well.",
    SOURCE_READ: "When a store was last read well.",
}


class SourcesCollector:
    """Collects all sources at each scrape."""

    def __init__(self, sources: Sequence[Source]):
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """Every metric, with the values that there are."""
        read_all(self._sources)
        yield from self._families()

    def describe(self) -> Iterator[Metric]:
        """Every metric without values, so that registering it reads nothing."""
        yield from self._empty().values()

    def _empty(self) -> dict[str, GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for name, (about, labels) in METRICS.items():
            families[name] = GaugeMetricFamily(name, about, labels=labels)

        for name, about in OWN.items():
            families[name] = GaugeMetricFamily(name, about, labels=("source",))

        return families

    def _families(self) -> Iterator[Metric]:
        families = self._empty()
        for source in self._sources:
            labels = (source.name,)
            families[SOURCE_UP].add_metric(labels, float(source.is_up))
            if source.read_at is not None:
                families[SOURCE_READ].add_metric(labels, source.read_at)

            # Also of a source that is down: the newest good values are better than none.
            for reading in source.readings:
                families[reading.metric].add_metric(reading.labels, reading.value)

        yield from families.values()
