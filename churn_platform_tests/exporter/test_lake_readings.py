"""The newest month of each portfolio, read without keeping a writer."""

import pickle
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import date
from subprocess import PIPE

import pytest

from churn_platform.errors import ChurnError, WarehouseError
from churn_platform.exporter.lake_readings import read_lake
from churn_platform.exporter.readings import month_instant
from churn_platform.warehouse.lake import Lake, connect
from churn_platform_tests.support.tiny import TINY

JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)


@pytest.fixture
def kept(lake: Lake) -> Lake:
    """Two months of scores and decisions, a campaign to date, and costs."""
    with closing(connect(lake)) as connection:
        for statement in (
            "create schema tiny",
            "create schema platform",
            "create table tiny.monthly_scores as from (values (date '2025-01-01'), "
            "(date '2025-02-01'), (date '2025-02-01')) rows(month)",
            "create table tiny.retraining_decision as from (values "
            "(date '2025-01-01', 'quiet', 0.0, 0.0), (date '2025-02-01', 'severe', 0.5, null)) "
            "rows(month, severity, drifted_importance, score_mean_shift)",
            "create table tiny.campaign_outcome as from (values "
            "(date '2025-02-01', 'month', 'all', 10.0, 1.0, 5), "
            "(date '2025-01-01', 'to date', 'all', 20.0, 2.0, 6), "
            "(date '2025-02-01', 'to date', 'all', 30.0, 3.0, 7)) "
            "rows(month, period, offer, profit_eur, kept, contacted)",
            "create table platform.infrastructure_cost as from (values "
            "(date '2025-01-01', 'compute', 9.0), (date '2025-02-01', 'compute', 2.5)) "
            "rows(month, item, cost_eur)",
        ):
            connection.execute(statement)
    return lake


def values(lake: Lake) -> dict[str, float]:
    """Readings by metric; each has one label."""
    return {reading.metric: reading.value for reading in read_lake(lake, [TINY])}


def test_the_newest_month_is_read(kept):
    """Scores, drift, campaign to date and cost; what was not measured is left out."""
    assert values(kept) == {
        "churn_scored_month_timestamp_seconds": month_instant(FEBRUARY),
        "churn_scored_customers": 2,
        "churn_drift_month_timestamp_seconds": month_instant(FEBRUARY),
        "churn_drift_severity": 2,
        "churn_drifted_importance": 0.5,
        "churn_campaign_profit_eur": 30.0,
        "churn_campaign_kept_customers": 3.0,
        "churn_campaign_contacted_customers": 7,
        "churn_infrastructure_cost_eur": 2.5,
    }
    assert {reading.labels for reading in read_lake(kept, [TINY])} == {("tiny",), ("compute",)}


def test_an_empty_lake_has_no_reading(lake):
    """Before the first run there is no table."""
    connect(lake).close()
    assert values(lake) == {}


def test_a_lake_that_is_missing_is_not_made(lake):
    """Reading alone makes no file."""
    with pytest.raises(WarehouseError, match="no warehouse at"):
        read_lake(lake, [TINY])
    assert lake.sqlite_path and not lake.sqlite_path.exists()


def test_a_writer_and_the_exporter_do_not_wait_for_each_other(kept):
    """Within a writer's transaction the state before it is read, and the writer commits after."""
    with closing(connect(kept)) as writer:
        writer.execute("begin")
        writer.execute("insert into tiny.monthly_scores values (date '2025-03-01')")
        assert values(kept)["churn_scored_month_timestamp_seconds"] == month_instant(FEBRUARY)
        writer.execute("commit")
    assert values(kept)["churn_scored_month_timestamp_seconds"] == month_instant(date(2025, 3, 1))


# In a process of its own: the locks of a process do not keep it out itself.
HOLD = """
import sqlite3, sys
catalog = sqlite3.connect(sys.argv[1], isolation_level=None)
catalog.execute("pragma locking_mode = exclusive")
catalog.execute("begin exclusive")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_catalog_that_another_process_keeps_is_told(kept):
    """It is not waited for longer than set; once it is free it is read again."""
    busy = replace(kept, wait_seconds=0.05)
    command = [sys.executable, "-c", HOLD, str(kept.sqlite_path)]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE) as holder:
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        with pytest.raises(ChurnError):
            read_lake(busy, [TINY])
        holder.communicate()
    assert "churn_scored_customers" in values(kept)


# A limit of no bytes for every file that is written, which a full disk is to a process.
READ_ON_A_FULL_DISK = """
import pickle, resource, signal, sys
from churn_platform.errors import ChurnError
from churn_platform.exporter.lake_readings import read_lake
lake, portfolio = pickle.load(sys.stdin.buffer)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    read_lake(lake, [portfolio])
except ChurnError as error:
    sys.stdout.write(str(error))
"""


def test_a_full_disk_is_told(kept):
    """SQLite must write beside its catalog to read it. The exporter goes on without the lake."""
    command = [sys.executable, "-c", READ_ON_A_FULL_DISK]
    given = pickle.dumps((kept, TINY))
    told = subprocess.run(command, input=given, stdout=PIPE, check=True).stdout.decode()
    assert str(kept.sqlite_path) in told
    assert "churn_scored_customers" in values(kept)
