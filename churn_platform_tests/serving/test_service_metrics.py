"""Metrics that are counted around the library equal direct observations."""

import pytest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.parser import text_string_to_metric_families

from serving.errors import BundleError
from serving.service_metrics import ServiceMetrics


def test_handed_over_tallies_equal_direct_observations():
    """The way around the library's `observe` gives the very same histogram, at bounds too."""
    tallied, direct = ServiceMetrics(), ServiceMetrics()
    values = [0.05, 0.050001, 0.5, 1.0, 0.0]
    counters = tallied.counters_of("tiny", "champion", 1, ("usage",))
    for value in values:
        counters.count(value, True, 0.001)
        direct.scores.labels("tiny", "champion", "1").observe(value)
    tallied.flush()

    def samples(metrics: ServiceMetrics) -> dict:
        parsed = text_string_to_metric_families(metrics.text().decode())
        (found,) = [metric for metric in parsed if metric.name == "churn_score"]
        return {
            (s.name, s.labels.get("le")): s.value
            for s in found.samples
            if not s.name.endswith("_created")
        }

    assert samples(tallied) == pytest.approx(samples(direct))


SENT = {"usage": 1.0, "tickets": 5, "is_late": True, "plan": "prepaid"}


def test_metrics_count_what_was_answered(client):
    """Predictions, outcomes, scores, latency and missing values under their usual names."""
    for tickets in (0, 5):
        client.post("/predict", json=SENT | {"tickets": tickets, "usage": None})
    client.post("/predict", json={"tickets": -1})
    response = client.get("/metrics")
    assert response.headers["content-type"] == CONTENT_TYPE_PLAIN_1_0_0
    text = response.text
    arm = 'arm="champion",model_version="1",portfolio="tiny"'
    assert f"predictions_total{{{arm}}} 2.0" in text
    assert f"prediction_latency_seconds_count{{{arm}}} 2.0" in text
    assert f"churn_score_count{{{arm}}} 2.0" in text
    assert 'feature_null_total{feature="usage",portfolio="tiny"} 2.0' in text
    assert 'request_errors_total{status="422"} 1.0' in text
    assert 'model_reloads_total{portfolio="tiny"} 1.0' in text
    assert 'prediction_log_available{portfolio="tiny"} 1.0' in text


def test_space_on_the_disk_is_told(client):
    """Of the state folder, for an alert before answers cannot be logged."""
    found = {
        metric.name: metric.samples[0].value
        for metric in text_string_to_metric_families(client.get("/metrics").text)
        if metric.name.startswith("serving_disk_")
    }
    assert 0 < found["serving_disk_free_bytes"] <= found["serving_disk_size_bytes"]


def test_a_state_that_could_not_be_read_is_a_reload_failure(plane, monkeypatch):
    """A fault of the machine counts apart; a bundle that fails its checks is refused alone."""

    def counted() -> tuple[float, float]:
        refused = plane.metrics.refused.labels("tiny")._value.get()
        return refused, plane.metrics.reload_failures.labels("tiny")._value.get()

    def fail(error: Exception) -> None:
        def load(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr("serving.registry.load_portfolio", load)
        plane.registry._tried.clear()
        plane.registry.refresh()

    fail(BundleError("another hash"))
    assert counted() == (1, 0)
    fail(OSError("no space left on device"))
    assert counted() == (2, 1)
