"""A store that fails, hangs or is missing delays no answer and hides no other."""

import threading

from prometheus_client import CollectorRegistry, generate_latest

from churn_platform.exporter.collector import SourcesCollector
from churn_platform.exporter.readings import COST, Reading
from churn_platform.exporter.sources import Source, read_all

NOON = 1_790_000_000.0


def source(read, *, name: str = "lake", keep_seconds: float = 0.0) -> Source:
    """A store whose clock stands still."""
    return Source(name, read, clock=lambda: NOON, keep_seconds=keep_seconds)


def euros(amount: float) -> list[Reading]:
    """One reading."""
    return [Reading(COST, ("compute",), amount)]


def test_a_store_that_fails_keeps_what_was_read_before():
    """The value stays, and `is_up` and the time of the reading say how far to believe it."""
    answers = [lambda: euros(1.0), lambda: 1 / 0]
    lake = source(lambda: answers.pop(0)())
    read_all([lake], wait_seconds=60)
    assert (lake.is_up, lake.read_at, lake.readings) == (True, NOON, euros(1.0))
    read_all([lake], wait_seconds=60)
    assert (lake.is_up, lake.read_at, lake.readings) == (False, NOON, euros(1.0))


def test_a_store_that_hangs_is_not_waited_for():
    """It counts as not up, is not read a second time meanwhile, and is up once it answers."""
    freed = threading.Event()
    begun = []

    def hang() -> list[Reading]:
        begun.append(1)
        freed.wait(60)
        return euros(2.0)

    hung, sound = source(hang), source(lambda: euros(1.0), name="disk")
    read_all([hung, sound], wait_seconds=0.2)
    read_all([hung, sound], wait_seconds=0.0)
    assert (hung.is_up, len(begun)) == (False, 1)
    freed.set()
    hung.wait(60)
    assert (hung.is_up, hung.readings) == (True, euros(2.0))


def test_what_is_new_enough_is_not_read_again():
    """Two scrapes within the time that a reading is good cost one."""
    begun = []

    def read() -> list[Reading]:
        begun.append(1)
        return []

    kept = source(read, keep_seconds=3600)
    read_all([kept], wait_seconds=60)
    read_all([kept], wait_seconds=60)
    assert len(begun) == 1


def test_prometheus_sees_values_and_which_store_is_up():
    """One that was never read has no time and no value, and a 0."""

    def fail() -> list[Reading]:
        raise OSError("gone")

    registry = CollectorRegistry()
    sources = [source(lambda: euros(1.5)), source(fail, name="dagster")]
    registry.register(SourcesCollector(sources))
    text = generate_latest(registry).decode()
    assert 'churn_infrastructure_cost_eur{item="compute"} 1.5' in text
    assert 'churn_exporter_source_up{source="lake"} 1.0' in text
    assert 'churn_exporter_source_up{source="dagster"} 0.0' in text
    assert 'churn_exporter_source_read_timestamp_seconds{source="lake"} 1.79e+09' in text
    assert 'churn_exporter_source_read_timestamp_seconds{source="dagster"}' not in text
