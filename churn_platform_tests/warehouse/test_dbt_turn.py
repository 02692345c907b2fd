"""Hosts that share a catalog on Postgres run dbt one after another."""

import os
import signal
from dataclasses import replace
from multiprocessing import get_context

import pytest

from churn_platform.errors import WarehouseBusyError
from churn_platform.warehouse.dbt_turn import dbt_turn


@pytest.fixture
def shared(lake, new_catalog):
    """A lake on Postgres, of which nobody waits for long."""
    return replace(lake, catalog=new_catalog, wait_seconds=0.2)


def test_one_host_at_a_time_runs_dbt(shared):
    """The other is told what to do, and has its turn when the first has ended."""
    with (
        dbt_turn(shared),
        pytest.raises(WarehouseBusyError, match=r"another host runs dbt .* 0\.2 s; wait for it"),
        dbt_turn(shared, poll_seconds=0.05),
    ):
        pass
    with dbt_turn(shared):
        pass


def test_a_killed_host_leaves_its_turn(shared):
    """Postgres ends its transaction with its connection."""
    context = get_context("spawn")
    has_turn = context.Event()
    process = context.Process(target=hold, args=(shared, has_turn))
    process.start()
    assert has_turn.wait(60)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with dbt_turn(replace(shared, wait_seconds=30), poll_seconds=0.05):
        pass


def hold(shared, has_turn) -> None:
    """Take the turn and never end."""
    with dbt_turn(shared):
        has_turn.set()
        signal.pause()


def test_a_catalog_in_a_file_needs_no_turn(lake):
    """The lock of writers orders dbt there."""
    with dbt_turn(lake), dbt_turn(lake):
        pass
