"""A real Prometheus scrapes a started service, exporter and stream; each expression of the
dashboards has a value there, and each rule can be evaluated.

`make monitoring-check` runs it. No Grafana is started: there is none to be had here.
"""

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from churn_platform_tests.support.brokers import broker_of
from churn_platform_tests.support.monitoring_files import PROMETHEUS, dashboard_expressions
from churn_platform_tests.support.ports import free_ports
from churn_platform_tests.support.processes import serving
from churn_platform_tests.support.served_bundles import publish
from churn_platform_tests.support.tiny import fit_tiny
from churn_platform_tests.support.waiting import eventually
from churn_platform_tests.support.watched_installation import install

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("prometheus"), reason="Debian's package prometheus"),
]
CUSTOMERS = [
    {"usage": None, "tickets": 5, "is_late": True, "plan": "prepaid"},
    {"usage": 1.0, "tickets": 0, "is_late": False, "plan": "yearly"},
    {"tickets": -1},
]


def asked(url: str, body: Any = None) -> Any:
    """The JSON of an answer; None for an error of the caller's."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)
    except urllib.error.HTTPError:
        return None


@contextmanager
def running(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """A process in a folder, ended afterwards."""
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | environment, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def configured(folder: Path, targets: dict[str, int]) -> Path:
    """The configuration that is delivered, with these ports and frequent scrapes."""
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "3s", "evaluation_interval": "1s"}
    for scraped in config["scrape_configs"]:
        scraped.pop("scrape_interval", None)
        port = targets.pop(scraped["job_name"])
        scraped["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    assert targets == {}
    for name in config["rule_files"]:
        shutil.copy(PROMETHEUS / name, folder)
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory) -> Iterator[str]:
    """The address of a Prometheus that has scraped all three for a while."""
    folder = tmp_path_factory.mktemp("watched")
    environment = install(folder)
    publish(folder / "published", fit_tiny("xgboost"))
    (folder / "published" / "atlantis").mkdir()
    (folder / "published" / "atlantis" / "live.json").write_text("{")  # is refused
    exporter_port, stream_port, own_port = free_ports(3)
    command = [sys.executable, "-m", "churn_platform.cli", "exporter", "--port", str(exporter_port)]
    with ExitStack() as started:
        service_port = started.enter_context(serving(folder, workers=1))
        started.enter_context(running(command, folder, environment))
        broker = started.enter_context(broker_of("kafka", folder))
        command = [
            *(sys.executable, "-m", "churn_platform.cli", "stream", "--from", "kafka"),
            *("--url", f"http://127.0.0.1:{service_port}", "--port", str(stream_port)),
        ]
        environment |= {"CHURN_STREAM_ADDRESS": broker.address}
        started.enter_context(running(command, folder, environment))
        targets = {
            "churn-serving": service_port,
            "churn-exporter": exporter_port,
            "churn-stream": stream_port,
        }
        options = [
            f"--config.file={configured(folder, targets)}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{own_port}",
        ]
        started.enter_context(running(["prometheus", *options], folder, {}))
        url = f"http://127.0.0.1:{own_port}"

        def is_scraped() -> bool:
            for customer in CUSTOMERS:
                asked(f"http://127.0.0.1:{service_port}/predict", customer)
            both = values(url, "sum(up) == 3 and sum(churn_exporter_source_up) == 5")
            served = values(url, "sum(rate(predictions_total[5m])) > 0")
            return bool(both and served and values(url, "churn:score_mean:1h"))

        eventually(is_scraped, seconds=120)
        yield url


def values(url: str, expression: str) -> list[float]:
    """What an expression gives now; none if Prometheus does not answer yet."""
    query = urllib.parse.urlencode({"query": expression})
    try:
        answer = asked(f"{url}/api/v1/query?{query}")
    except OSError:
        return []
    assert answer is None or answer["status"] == "success", (expression, answer)
    return [float(found["value"][1]) for found in answer["data"]["result"]] if answer else []


@pytest.mark.parametrize(
    "expression", [pytest.param(it, id=panel) for panel, it in dashboard_expressions()]
)
def test_every_panel_has_a_value(prometheus, expression):
    """On an installation where something of everything has happened."""
    eventually(lambda: bool(values(prometheus, expression)), seconds=30)


def test_every_rule_can_be_evaluated(prometheus):
    """No rule has an error, and those that should fire here become at least pending."""

    def found() -> dict[str, dict[str, Any]]:
        groups = asked(f"{prometheus}/api/v1/rules")["data"]["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}

    def stirred() -> set[str]:
        states = {name: rule.get("state", "inactive") for name, rule in found().items()}
        return {name for name, state in states.items() if state != "inactive"}

    expected = {"RunsFail", "BundleRefused", "ScoresStale", "ChampionStale"}
    eventually(lambda: stirred() >= expected, seconds=60)
    assert {name for name, rule in found().items() if rule["health"] != "ok"} == set()


def test_a_scrape_of_the_exporter_is_quick(prometheus):
    """Well below the time limit of a scrape; told, to be seen."""
    (slowest,) = values(
        prometheus, 'max_over_time(scrape_duration_seconds{job="churn-exporter"}[5m])'
    )
    (median,) = values(
        prometheus,
        'quantile_over_time(0.5, scrape_duration_seconds{job="churn-exporter"}[5m])',
    )
    print(f"\nscrape of the exporter: first {slowest:.3f} s, median {median:.4f} s")
    assert slowest < 10
