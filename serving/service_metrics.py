"""Counters of the service, under Prometheus' usual names, summed over the worker processes.

With `PROMETHEUS_MULTIPROC_DIR` set, as `python -m serving` does, each process counts in files of
its own that survive it; the process that is asked adds them all up.
"""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from serving.storage.shared_counters import share_counters
from serving.traffic.experiment_counts import LATENCY_BUCKETS, SCORE_BUCKETS, ExperimentCounts

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
VERSION_LABELS = ("portfolio", "arm", "model_version")
CHURN, STAY = "churn", "stay"
LOOKED_AT, KEYS_AGE = "keys_looked_at_seconds", "keys_age_seconds"
NULLS_AT_ONCE = 500


class _Aged:
    """Metrics with an age in place of each instant: a thread that hangs cannot tell that it grows
    older.
    """

    def __init__(self, metrics: CollectorRegistry | MultiProcessCollector):
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """Every metric, as `generate_latest` asks for them. Instants are those of the monotonic
        clock.
        """
        for metric in self._metrics.collect():
            if metric.name != LOOKED_AT:
                yield metric
                continue

            aged = Metric(KEYS_AGE, metric.documentation, "gauge")
            for sample in metric.samples:
                aged.add_sample(KEYS_AGE, sample.labels, max(0.0, time.monotonic() - sample.value))

            yield aged


class VersionCounters:
    """The counters of one version of one portfolio, handed to Prometheus by `flush`.

    Prometheus' own counters write to a shared file by way of a lock and a dictionary each time, for
    which a look-up has no time to spare.
    """

    def __init__(
        self,
        metrics: "ServiceMetrics",
        portfolio: str,
        role: str,
        model_version: int,
        features: tuple[str, ...],
    ):
        self._metrics = metrics
        self._labels = (portfolio, role, str(model_version))
        self._nulls = [metrics.nulls.labels(portfolio, feature) for feature in features]
        self._lock = threading.Lock()
        self._count = metrics.experiments.count_of(portfolio, role, model_version)
        self._missing = np.zeros(len(features), dtype=np.int64)
        self._seen: list[np.ndarray] = []

    def count(self, churn_probability: float, is_churn: bool, seconds: float) -> None:
        """One prediction."""
        with self._lock:
            self._count.add(churn_probability, is_churn, seconds)

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
        with self._lock:
            self._count_seen()
            fresh = self._count.take()
            missing = self._missing
            self._missing = np.zeros_like(missing)

        metrics, labels = self._metrics, self._labels
        metrics.predictions.labels(*labels).inc(fresh.predictions)
        metrics.outcomes.labels(*labels, CHURN).inc(fresh.churned)
        metrics.outcomes.labels(*labels, STAY).inc(fresh.stayed)
        metrics.squares.labels(*labels).inc(fresh.squares)
        latency = metrics.latency.labels(*labels)
        scores = metrics.scores.labels(*labels)
        _add_to(latency, fresh.latencies, fresh.seconds_sum)
        _add_to(scores, fresh.scores, fresh.score_sum)

        for place in np.flatnonzero(missing):
            self._nulls[place].inc(int(missing[place]))


def _add_to(histogram: Histogram, buckets: Sequence[float], total: float) -> None:
    """Many observations at once, for which the library has no public way: `test_parts.py` watches
    over it.
    """
    # Private attributes: Prometheus' histograms take single values only, 8 us each by shared file.
    histogram._sum.inc(total)
    for bucket, number in zip(histogram._buckets, buckets, strict=True):
        if number:
            bucket.inc(number)


class ServiceMetrics:
    """All counters of one process.

    experiments: folder of the counts that outlive the service; None keeps them in this process.
    """

    def __init__(self, experiments: Path | None = None) -> None:
        self.experiments = ExperimentCounts(experiments)
        folder = os.environ.get(FOLDER_VARIABLE)
        self._are_shared = folder is not None and share_counters(Path(folder))
        self._registry = registry = CollectorRegistry()
        self.predictions = Counter(
            "predictions_total",
            "Predictions answered.",
            VERSION_LABELS,
            registry=registry,
        )
        self.batched = Counter(
            "batch_predictions_total",
            "Customers that came in batches; the others of predictions_total came one by one.",
            ("portfolio",),
            registry=registry,
        )
        self.latency = Histogram(
            "prediction_latency_seconds",
            "Time from the whole request to the answer.",
            VERSION_LABELS,
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.outcomes = Counter(
            "churn_predictions_total",
            "Predictions by outcome.",
            (*VERSION_LABELS, "outcome"),
            registry=registry,
        )
        self.scores = Histogram(
            "churn_score",
            "Churn probabilities answered.",
            VERSION_LABELS,
            buckets=SCORE_BUCKETS,
            registry=registry,
        )
        self.squares = Counter(
            "churn_score_squares_total",
            "Sum of their squares.",
            VERSION_LABELS,
            registry=registry,
        )
        self.nulls = Counter(
            "feature_null_total",
            "Missing values that a model saw.",
            ("portfolio", "feature"),
            registry=registry,
        )
        self.errors = Counter(
            "request_errors_total",
            "Requests refused or failed.",
            ("status",),
            registry=registry,
        )
        self.reloads = Counter(
            "model_reloads_total",
            "States taken live.",
            ("portfolio",),
            registry=registry,
        )
        self.refused = Counter(
            "bundles_refused_total",
            "States refused.",
            ("portfolio",),
            registry=registry,
        )
        self.reload_failures = Counter(
            "model_reload_failures_total",
            "States refused although their bundles may be sound: they could not be read or kept.",
            ("portfolio",),
            registry=registry,
        )
        self.pushes = Counter(
            "feature_pushes_total",
            "Features pushed.",
            ("portfolio",),
            registry=registry,
        )
        self.challenger_errors = Counter(
            "challenger_errors_total",
            "Customers whom a challenger, or a shadow, could not score.",
            ("portfolio", "model_version"),
            registry=registry,
        )
        self.alarms = Counter(
            "experiment_alarms_total",
            "Limits of an experiment found breached: a guardrail, or a signal.",
            ("portfolio", "kind", "watched"),
            registry=registry,
        )
        self.arm_dropped = Gauge(
            "experiment_arm_dropped",
            "1 while a challenger that live.json names gets no traffic, since it did harm.",
            ("portfolio",),
            multiprocess_mode="livemax",
            registry=registry,
        )
        self.outbox_lag = Gauge(
            "push_outbox_lag_seconds",
            "Age of the oldest push that waits to be published to other hosts.",
            multiprocess_mode="livemax",
            registry=registry,
        )
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
        self.disk_free = Gauge(
            "serving_disk_free_bytes",
            "Free bytes of the disk that the state folder is on.",
            multiprocess_mode="livemin",
            registry=registry,
        )
        self.disk_size = Gauge(
            "serving_disk_size_bytes",
            "Size of that disk.",
            multiprocess_mode="livemin",
            registry=registry,
        )
        self.keys_looked_at = Gauge(
            LOOKED_AT,
            "Seconds since a process last read the API keys; of all processes, the longest.",
            multiprocess_mode="livemin",
            registry=registry,
        )
        self._counters: dict[tuple[str, str, int], VersionCounters] = {}

    def counters_of(
        self, portfolio: str, role: str, model_version: int, features: tuple[str, ...]
    ) -> VersionCounters:
        """The counters of one version in a role; the same object every time."""
        key = (portfolio, role, model_version)
        found = self._counters.get(key)
        if found is None:
            found = self._counters.setdefault(
                key, VersionCounters(self, portfolio, role, model_version, features)
            )

        return found

    def flush(self) -> None:
        """Bring what is counted apart into the counters."""
        for counters in list(self._counters.values()):
            counters.flush()

    def text(self) -> bytes:
        """Every metric in Prometheus' text format."""
        self.flush()
        return generate_latest(_Aged(self._all()))  # type: ignore[arg-type]

    def _all(self) -> CollectorRegistry | MultiProcessCollector:
        return MultiProcessCollector(CollectorRegistry()) if self._are_shared else self._registry

    def close(self) -> None:
        """Hand over what is counted, and leave the files to workers that start."""
        self.flush()
        self.experiments.close()
