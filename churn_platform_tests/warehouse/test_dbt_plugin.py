"""dbt ends with the run that started it."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from churn_platform.graph.dbt_profile import dbt_environment
from churn_platform.warehouse.dbt_plugin import KILLED, Plugin

ROOT = Path(__file__).parents[2]
CHILD = """
import os, sys, time
from churn_platform.warehouse.dbt_plugin import end_with
if os.fork() == 0:
    sys.exit(end_with(os.getppid(), poll_seconds=0.05))
time.sleep(0.3)
os._exit(0)
"""


def test_dbt_ends_with_its_run():
    """The pipe closes when both have ended."""
    subprocess.run(
        [sys.executable, "-c", CHILD], cwd=ROOT, stdout=subprocess.PIPE, timeout=20, check=True
    )


def test_an_orphan_ends_at_once():
    """Also where the run was killed before its dbt looked."""
    code = "from churn_platform.warehouse.dbt_plugin import end_with; end_with(-1)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=20).returncode
        == KILLED
    )


@pytest.mark.parametrize("started_by", ["0", "itself"])
def test_dbt_by_hand_and_in_process_is_not_watched(lake, started_by):
    """Only a dbt that another process has started looks after it."""
    watching = threading.active_count()
    own = dbt_environment(lake)["DBT_STARTED_BY"]
    assert own == str(os.getpid())
    Plugin("plugin", {"started_by": own if started_by == "itself" else started_by})
    assert threading.active_count() == watching
