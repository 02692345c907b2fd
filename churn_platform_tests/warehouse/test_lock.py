"""One writer at a time, across processes; whoever waits learns for whom."""

from dataclasses import replace

import pytest

from churn_platform.errors import WarehouseBusyError
from churn_platform.warehouse.lock import writer_lock

HOLD = """
from churn_platform.warehouse.lock import writer_lock
with writer_lock(lake):
    print("held", flush=True)
    input()
"""


def test_a_second_process_waits_and_names_the_holder(lake, start):
    """After the bounded wait the error holds the pid of the process that writes; once it ends, the
    way is free.
    """
    holder = start(HOLD)
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(
            WarehouseBusyError, match=rf"(?s)written by pid {holder.pid} .*for more than 0\.3 s"
        ),
        writer_lock(replace(lake, wait_seconds=0.3)),
    ):
        pass
    holder.communicate("\n")
    with writer_lock(replace(lake, wait_seconds=0.3)):
        pass


def test_a_killed_holder_frees_the_lock(lake, start):
    """kill -9 leaves no lock behind."""
    holder = start(HOLD)
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.wait()
    with writer_lock(replace(lake, wait_seconds=0.5)):
        pass


def test_an_error_inside_frees_the_lock(lake):
    """A writer that fails does not keep others waiting."""
    with pytest.raises(ZeroDivisionError), writer_lock(lake):
        raise ZeroDivisionError
    with writer_lock(replace(lake, wait_seconds=0.2)):
        pass


def test_another_catalog_needs_no_lock(lake, tmp_path):
    """A Postgres catalog takes many writers: nothing is locked, no file appears."""
    with (
        writer_lock(replace(lake, catalog="postgres:dbname=none")),
        writer_lock(replace(lake, catalog="postgres:x")),
    ):
        assert not list(tmp_path.glob("*.lock"))
