"""Counters in files: their space is there before anything is counted, and the dead say nothing of
the present.
"""

import os
import subprocess
import sys

import pytest
from prometheus_client import values

from churn_platform_tests.serving.storage.test_log_writer import files_of_at_most
from serving.service_metrics import FOLDER_VARIABLE, ServiceMetrics
from serving.storage.shared_counters import FILE_BYTES, remove_counters


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in which processes count, as in a worker of the service."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(values, "ValueClass", values.MultiProcessValue())
    return tmp_path


def test_files_have_their_space_before_anything_is_counted(folder):
    """They are no longer sparse, and what is counted then goes into them."""
    metrics = ServiceMetrics()
    sizes = {file.name: file.stat().st_blocks * 512 for file in folder.iterdir()}
    assert set(sizes) == {f"{kind}_{os.getpid()}.db" for kind in FILE_BYTES}
    assert all(sizes[f"{kind}_{os.getpid()}.db"] >= size for kind, size in FILE_BYTES.items())
    metrics.reloads.labels("tiny").inc(3)
    assert b'model_reloads_total{portfolio="tiny"} 3.0' in ServiceMetrics().text()


def test_a_worker_without_space_counts_for_itself(folder, caplog):
    """It lives, says so in its log, tells its own counts, and leaves no half file to the others."""
    with files_of_at_most(1 << 12):
        metrics = ServiceMetrics()
    metrics.reloads.labels("tiny").inc(3)
    assert b'model_reloads_total{portfolio="tiny"} 3.0' in metrics.text()
    assert "no space to count in" in caplog.text
    assert list(folder.iterdir()) == []


def test_what_a_dead_worker_said_of_the_present_is_forgotten(folder):
    """A log that it could not write is not unavailable for ever; what it counted stays."""
    code = (
        "from serving.service_metrics import ServiceMetrics\nmetrics = ServiceMetrics()\n"
        "metrics.log_available.labels('tiny').set(0)\nmetrics.reloads.labels('tiny').inc()"
    )
    subprocess.run([sys.executable, "-c", code], env=os.environ, check=True)
    metrics = ServiceMetrics()
    metrics.log_available.labels("tiny").set(1)
    assert b'prediction_log_available{portfolio="tiny"} 1.0' in metrics.text()
    assert b'model_reloads_total{portfolio="tiny"} 1.0' in metrics.text()


def test_a_start_removes_counters_and_nothing_else(tmp_path):
    """A folder `metrics` may be somebody's: their files and folders stay, whatever they are named
    like.
    """
    (tmp_path / "kept.db").mkdir()
    others = {"kept.db", "notes.txt", "counter_7.db.bak", "counters_7.db", "counter_x.db"}
    for name in others - {"kept.db"}:
        (tmp_path / name).touch()
    for name in ("counter_7.db", "histogram_7.db", "gauge_livemin_7.db"):
        (tmp_path / name).touch()
    remove_counters(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == others
