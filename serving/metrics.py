"""Counters of the service, under Prometheus' usual names, summed over the worker processes.

With `PROMETHEUS_MULTIPROC_DIR` set, as `python -m serving` does, each process counts in files of its own that survive
it; whichever process is asked adds them all up.
"""

import os
import threading
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from serving.shared_counters import share_counters

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
ARM = ("portfolio", "arm", "model_version")
LATENCY_BUCKETS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0)
SCORE_BUCKETS = tuple(round(step / 20, 2) for step in range(1, 21))
CHURN, STAY = "churn", "stay"
NULLS_AT_ONCE = 500


class ArmCounters:
    """The counters of one arm of one portfolio: plain numbers, handed to Prometheus by `flush`.

    Prometheus' own counters write to a shared file each time, for which a look-up has no time to spare.
    """

    def __init__(self, metrics: "Metrics", portfolio: str, arm: str, model_version: int, features: tuple[str, ...]):
        labels = (portfolio, arm, str(model_version))
        self._metrics, self._labels = metrics, labels
        self._nulls = [metrics.nulls.labels(portfolio, feature) for feature in features]
        self._lock = threading.Lock()
        self._reset(len(features))

    def _reset(self, width: int) -> None:
        self._churn = self._stay = 0
        self._squares = 0.0
        self._latency, self._scores = Tally(LATENCY_BUCKETS), Tally(SCORE_BUCKETS)
        self._missing = np.zeros(width, dtype=np.int64)
        self._seen: list[np.ndarray] = []

    def count(self, churn_probability: float, is_churn: bool, seconds: float) -> None:
        """One prediction."""
        with self._lock:
            if is_churn:
                self._churn += 1
            else:
                self._stay += 1
            self._squares += churn_probability * churn_probability
            self._latency.add(seconds)
            self._scores.add(churn_probability)

    def count_nulls(self, features: np.ndarray) -> None:
        """The missing values of what a model saw."""
        with self._lock:
            self._seen.append(features)
            if len(self._seen) >= NULLS_AT_ONCE:
                self._count_seen()

    def _count_seen(self) -> None:
        if self._seen:
            self._missing += np.isnan(self._seen).sum(axis=0)
            self._seen = []

    def flush(self) -> None:
        """Hand over what was counted since the last time."""
        metrics, labels = self._metrics, self._labels
        with self._lock:
            self._count_seen()
            churn, stay, squares, missing = self._churn, self._stay, self._squares, self._missing
            latency, scores = self._latency, self._scores
            self._reset(len(missing))
        metrics.predictions.labels(*labels).inc(churn + stay)
        metrics.outcomes.labels(*labels, CHURN).inc(churn)
        metrics.outcomes.labels(*labels, STAY).inc(stay)
        metrics.squares.labels(*labels).inc(squares)
        latency.add_to(metrics.latency.labels(*labels))
        scores.add_to(metrics.scores.labels(*labels))
        for place in np.flatnonzero(missing):
            self._nulls[place].inc(int(missing[place]))


class Tally:
    """Observations of a histogram, by bucket."""

    __slots__ = ("_bounds", "_buckets", "_total")

    def __init__(self, bounds: tuple[float, ...]):
        self._bounds, self._buckets, self._total = bounds, [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        """One observation; a bound belongs to the bucket below it."""
        self._buckets[bisect_left(self._bounds, value)] += 1
        self._total += value

    def add_to(self, histogram: Histogram) -> None:
        """All observations at once, for which the library has no public way: `test_parts.py` watches over it."""
        histogram._sum.inc(self._total)
        for bucket, number in zip(histogram._buckets, self._buckets, strict=True):
            if number:
                bucket.inc(number)


class Metrics:
    """All counters of one process."""

    def __init__(self) -> None:
        folder = os.environ.get(FOLDER_VARIABLE)
        self._are_shared = folder is not None and share_counters(Path(folder))
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
        if not self._are_shared:
            return self._registry
        summed = CollectorRegistry()
        MultiProcessCollector(summed)
        return summed
