"""Rules and dashboards name what is exported, and every alert has its place in the runbook."""

import re

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from churn_platform.exporter.collector import OWN
from churn_platform.exporter.readings import METRICS
from churn_platform.streams.metrics import StreamMetrics
from churn_platform_tests.support.monitoring_files import (
    PROMETHEUS,
    ROOT,
    alerts,
    dashboard_expressions,
    metrics_in,
    recorded,
    rules,
)
from serving.service_metrics import ServiceMetrics

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
PARTS = ("What it means", "What to look at", "What to do")
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
ALERTS = {alert["alert"]: alert for alert in alerts()}


def exported() -> set[str]:
    """Names of all series of service, exporter and stream, and of Prometheus' own about a
    target.
    """
    names = {"up", *METRICS, *OWN}
    stream = generate_latest(StreamMetrics(clock=lambda: 0.0, lag=lambda: 0).registry)
    for family in text_string_to_metric_families((ServiceMetrics().text() + stream).decode()):
        for suffix in SUFFIXES[family.type]:
            names.add(family.name + suffix)
    return names


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('sum by (portfolio) (rate(a_total{arm!="b"}[5m] offset 1w)) > 0.1', {"a_total"}),
        ("abs(churn:mean:1h - churn:mean:1h offset 1w) > 14.4 * 0.001", {"churn:mean:1h"}),
        (
            "time() - max(a_seconds) > 5 and on (x) b_seconds or vector(0)",
            {"a_seconds", "b_seconds"},
        ),
    ],
)
def test_metrics_are_found_in_an_expression(expression, names):
    """Functions, labels, words and numbers are none."""
    assert metrics_in(expression) == names


def test_every_metric_of_rules_and_dashboards_is_exported():
    """By the service's registry, the exporter's, or a recording rule."""
    known = exported() | recorded()
    read = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]
    read += dashboard_expressions()
    unknown = {
        (place, name) for place, expression in read for name in metrics_in(expression) - known
    }
    assert len(read) > 50
    assert unknown == set()


def test_every_metric_of_the_exporter_is_read_by_a_rule_or_dashboard():
    """What nobody looks at need not be exported."""
    expressions = [rule["expr"] for rule in rules()]
    expressions += [expression for _, expression in dashboard_expressions()]
    read = set().union(*map(metrics_in, expressions))
    assert {*METRICS} - read == {
        "churn_asset_month_timestamp_seconds",
        "churn_drift_month_timestamp_seconds",
    }


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_its_section_in_the_runbook(name):
    """With its three parts, each of which says something, and at the address that the alert
    gives.
    """
    address = ALERTS[name]["annotations"]["runbook_url"]
    assert address == f"docs/runbook.md#{name.lower()}"
    section = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert section
    texts = re.split(r"^\*\*(.*)\*\*$", section[1], flags=re.MULTILINE)[1:]
    assert tuple(texts[0::2]) == PARTS
    assert min(len(text.strip()) for text in texts[1::2]) > 40


def test_the_runbook_has_no_section_without_an_alert():
    """One that was renamed leaves none behind."""
    assert set(re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)) == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_a_test_of_an_alert_on_recorded_figures_has_them_first(name):
    """promtool evaluates groups in a drawn order: a figure of the instant may not be there yet."""
    reads_recorded = bool(metrics_in(ALERTS[name]["expr"]) & recorded())
    tests = yaml.safe_load((PROMETHEUS / "tests" / f"{name}.yml").read_text())
    (figures,) = yaml.safe_load((PROMETHEUS / "recording.yml").read_text())["groups"]
    assert tests.get("group_eval_order") == ([figures["name"]] if reads_recorded else None)


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_a_test_that_fires_and_one_that_stays_quiet(name):
    """A file of promtool's own; `make monitoring-check` runs them."""
    tests = yaml.safe_load((PROMETHEUS / "tests" / f"{name}.yml").read_text())["tests"]
    expected = {test["name"]: test["alert_rule_test"][0]["exp_alerts"] for test in tests}
    assert set(expected) == {f"{name} fires", f"{name} stays quiet"}
    assert len(expected[f"{name} fires"]) == 1
    assert expected[f"{name} stays quiet"] == []
