"""Counters of the service, under Prometheus' usual names, summed over the worker processes.

With `PROMETHEUS_MULTIPROC_DIR` set, as `python -m serving` does, each process counts in files of its own that survive
it; whichever process is asked adds them all up.
"""

import os
import threading
from collections.abc import Iterable

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

ARM = ("portfolio", "arm", "model_version")
LATENCY_BUCKETS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0)
SCORE_BUCKETS = tuple(round(step / 20, 2) for step in range(1, 21))
CHURN, STAY = "churn", "stay"


class ArmCounters:
    """The counters of one arm of one portfolio.

    What is counted waits in memory for the next `flush`, which comes every second and before anybody reads:
    bringing each prediction into Prometheus' files costs as much as answering it.
    """

    def __init__(self, metrics: "Metrics", portfolio: str, arm: str, model_version: int, features: tuple[str, ...]):
        labels = (portfolio, arm, str(model_version))
        self._predictions = metrics.predictions.labels(*labels)
        self._latency = metrics.latency.labels(*labels)
        self._scores = metrics.scores.labels(*labels)
        self._squares = metrics.squares.labels(*labels)
        self._outcomes = {True: metrics.outcomes.labels(*labels, CHURN), False: metrics.outcomes.labels(*labels, STAY)}
        self._nulls = [metrics.nulls.labels(portfolio, feature) for feature in features]
        self._lock = threading.Lock()
        self._waiting: list[tuple[float, bool, float]] = []
        self._missing = np.zeros(len(features), dtype=np.int64)

    def count(self, churn_probability: float, is_churn: bool, seconds: float) -> None:
        """One prediction."""
        self._waiting.append((churn_probability, is_churn, seconds))

    def count_nulls(self, features: np.ndarray) -> None:
        """The missing values of what a model saw."""
        with self._lock:
            self._missing += np.isnan(features)

    def flush(self) -> None:
        """Bring what waits into the counters."""
        with self._lock:
            waiting = self._waiting[:]
            del self._waiting[: len(waiting)]  # the same list goes on: a count in another thread may hold it
            missing, self._missing = self._missing, np.zeros_like(self._missing)
        for place in np.flatnonzero(missing):
            self._nulls[place].inc(int(missing[place]))
        if waiting:
            scores, churns, seconds = np.array(waiting, dtype=np.float64).T
            self._predictions.inc(len(waiting))
            self._squares.inc(float(scores @ scores))
            self._outcomes[True].inc(float(churns.sum()))
            self._outcomes[False].inc(len(waiting) - float(churns.sum()))
            observe_all(self._latency, LATENCY_BUCKETS, seconds)
            observe_all(self._scores, SCORE_BUCKETS, scores)


def observe_all(histogram: Histogram, bounds: tuple[float, ...], values: np.ndarray) -> None:
    """What `observe` does for each value; the library offers no call for many, so this reaches into a histogram."""
    places = np.searchsorted(bounds, values, side="left")  # a value on a bound belongs below it
    for place, count in enumerate(np.bincount(places, minlength=len(bounds) + 1).tolist()):
        if count:
            histogram._buckets[place].inc(count)
    histogram._sum.inc(float(values.sum()))


class Metrics:
    """All counters of one process."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.predictions = Counter("predictions_total", "Predictions answered.", ARM, registry=registry)
        self.latency = Histogram(
            "prediction_latency_seconds",
            "Time from the whole request to the answer.",
            ARM,
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.outcomes = Counter(
            "churn_predictions_total", "Predictions by outcome.", (*ARM, "outcome"), registry=registry
        )
        self.scores = Histogram(
            "churn_score", "Churn probabilities answered.", ARM, buckets=SCORE_BUCKETS, registry=registry
        )
        self.squares = Counter("churn_score_squares_total", "Sum of their squares.", ARM, registry=registry)
        self.nulls = Counter(
            "feature_null_total", "Missing values that a model saw.", ("portfolio", "feature"), registry=registry
        )
        self.errors = Counter("request_errors_total", "Requests refused or failed.", ("status",), registry=registry)
        self.reloads = Counter("model_reloads_total", "States taken live.", ("portfolio",), registry=registry)
        self.refused = Counter("bundles_refused_total", "States refused.", ("portfolio",), registry=registry)
        self.pushes = Counter("feature_pushes_total", "Features pushed.", ("portfolio",), registry=registry)
        self.log_available = Gauge(
            "prediction_log_available",
            "1 while every answer can be logged.",
            ("portfolio",),
            multiprocess_mode="livemin",
            registry=registry,
        )
        self.log_lag = Gauge(
            "prediction_log_lag_seconds",
            "Age of the oldest segment of the prediction log that is not ingested.",
            ("portfolio",),
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._arms: dict[tuple[str, str, int], ArmCounters] = {}

    def arm(self, portfolio: str, arm: str, model_version: int, features: tuple[str, ...]) -> ArmCounters:
        """The counters of one arm; the same object every time."""
        key = (portfolio, arm, model_version)
        found = self._arms.get(key)
        if found is None:
            found = self._arms.setdefault(key, ArmCounters(self, portfolio, arm, model_version, features))
        return found

    def flush(self) -> None:
        """Bring what is counted apart into the counters."""
        for counters in list(self._arms.values()):
            counters.flush()

    def collect(self) -> Iterable[Metric]:
        """Every metric, summed over the processes."""
        self.flush()
        return self._all().collect()

    def text(self) -> bytes:
        """Every metric in Prometheus' text format."""
        self.flush()
        return generate_latest(self._all())

    def _all(self) -> CollectorRegistry:
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return self._registry
        summed = CollectorRegistry()
        MultiProcessCollector(summed)
        return summed
