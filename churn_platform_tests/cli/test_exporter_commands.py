"""`churn exporter` answers whatever is missing, and says so."""

import socket

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from churn_platform.cli.exporter_commands import pipeline_registry
from churn_platform.exporter.collector import OWN
from churn_platform.exporter.readings import METRICS


def exported(settings, home) -> tuple[set[str], dict[str, float]]:
    """Names of all metrics, and which store is up."""
    text = generate_latest(pipeline_registry(settings, home)).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = families["churn_exporter_source_up"].samples
    return set(families), {sample.labels["source"]: sample.value for sample in samples}


def test_an_empty_folder_is_answered(settings, tmp_path):
    """Every metric is named; lake, landing and Dagster are not up, and nothing is made."""
    names, up = exported(settings, tmp_path)
    assert names == {*METRICS, *OWN}
    assert up == {"audit": 1.0, "dagster": 0.0, "disk": 1.0, "lake": 0.0, "landing": 0.0}
    assert not settings.root.exists()


def test_a_port_in_use_is_told(refusal):
    """By its number, with another to try."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = refusal("exporter", "--port", str(port))
    assert told.startswith(f"port {port} of 127.0.0.1 cannot be used")
    assert f"--port {port + 1}" in told


@pytest.mark.parametrize("spoiled", ["catalog.sqlite", "audit/audit.jsonl"])
def test_a_damaged_store_is_one_that_is_not_up(settings, tmp_path, spoiled):
    """The others are answered."""
    path = settings.root / spoiled
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no such thing\n" * 100)
    _, up = exported(settings, tmp_path)
    assert up["disk"] == 1.0
    assert up["lake" if "catalog" in spoiled else "audit"] == 0.0
