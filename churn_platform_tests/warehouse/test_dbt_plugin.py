"""dbt ends with the run that started it."""

import os
import subprocess
import sys
import threading
from argparse import Namespace
from pathlib import Path

import pytest
from dbt.config.runtime import load_profile
from dbt.flags import set_from_args
from dbt_common.context import set_invocation_context

from churn_platform.graph.dbt_profile import dbt_environment
from churn_platform.warehouse import dbt_plugin
from churn_platform.warehouse.dbt_plugin import KILLED, STARTED_BY, Plugin
from churn_platform_tests.support.tiny_lake import PROJECT

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


@pytest.mark.parametrize("named", [{}, {STARTED_BY: str(os.getpid())}])
def test_dbt_by_hand_and_in_process_is_not_watched(named):
    """Only a dbt that another process has started looks after it."""
    watching = threading.active_count()
    set_invocation_context(named)
    Plugin("plugin", {})
    assert threading.active_count() == watching


def test_a_dbt_that_another_process_has_started_is_watched(monkeypatch):
    """The process is the one whose number the environment of dbt names."""
    watched = []
    monkeypatch.setattr(dbt_plugin, "end_with", watched.append)
    set_invocation_context({STARTED_BY: "7"})
    Plugin("plugin", {})
    for thread in threading.enumerate():
        if thread.name == "end-with-starter":
            thread.join()
    assert watched == [7]


def test_the_next_run_need_not_parse_the_project_anew(lake, monkeypatch):
    """dbt does, for seconds, where its connection differs; who starts dbt is no part of that."""
    told = []
    for process in (1, 2):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        named = dbt_environment(lake)
        set_invocation_context(named)
        set_from_args(Namespace(profiles_dir=str(PROJECT)), None)
        profile = load_profile(str(PROJECT), {})
        told.append((named[STARTED_BY], list(profile.credentials.connection_info())))
    assert [starter for starter, _ in told] == ["1", "2"]
    assert told[0][1] == told[1][1]
