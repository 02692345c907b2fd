"""A run that is killed (SIGKILL) at any moment leaves no half month behind."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from churn_platform.ingest.load import load_month
from churn_platform.months import month_range
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.lock import writer_lock
from churn_platform_tests.support.checksums import Checksums, checksums
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny_lake import TinyLake

FIRST, LAST, END = date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1)
KILLS = 6
DELIVERIES = (1, 2)  # seeds of the simulator


@dataclass(frozen=True)
class Run:
    """What a run of the features job does to the warehouse: every landed month,
    then one dbt build.

    The deliveries lie in folders named by their seeds: every row of every month differs from one to
    the other.
    """

    lake: TinyLake
    landed: Path

    def complete(self, delivery: int) -> None:
        """The whole run on a delivery, but for the data tests, which write nothing."""
        portfolio = self.lake.portfolio
        with closing(connect(self.lake.lake)) as connection:
            for table in portfolio.landed_tables:
                for month in month_range(FIRST, LAST):
                    landed = {"landing_dir": self.landed / str(delivery), "hash_key": "0" * 64}
                    load_month(connection, self.lake.lake, portfolio, table, month, **landed)
        with writer_lock(self.lake.lake):
            self.lake.build_tables(FIRST, END)

    def kill(self, delivery: int, after: float) -> bool:
        """The run in a process of its own, killed after so many seconds; whether it was still
        running then.
        """
        child = os.fork()
        if child == 0:
            status = 1
            try:
                self.complete(delivery)
                status = 0
            finally:
                os._exit(status)
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)

    def whole(self) -> Checksums:
        """What must be whole: raw rows; of derived tables the customers, for values may mix what
        raw months mix.
        """
        derived = checksums(self.lake.lake, "telecomit", of="customer_id")
        spine = {
            place: checksum
            for place, checksum in derived.items()
            if place[0] != "telecomit.churn_labels"
        }
        return checksums(self.lake.lake, "telecomit_raw") | spine


@pytest.fixture
def run(new_lake: Callable[[], TinyLake], tmp_path: Path) -> Run:
    """A lake with two months of the first delivery."""
    for seed in DELIVERIES:
        config = SimulationConfig(customers=300, months=2, seed=seed, calls_per_customer=10)
        simulate(config, tmp_path / str(seed), tmp_path / "truth")
    made = Run(new_lake(), tmp_path)
    made.complete(1)
    return made


@invariant("Time and data", "After a kill each table holds each month as it was before, or as new.")
def test_each_month_is_old_or_new_after_every_kill(run: Run) -> None:
    """Over six kills, one in each sixth of a run, each table holds each month as one delivery or
    as the other, never mixed.

    A last run then completes: nothing that a killed run left is in its way.
    """
    first = run.whole()
    begun = time.monotonic()
    run.complete(2)
    length = time.monotonic() - begun
    second = run.whole()
    assert not set(first.values()) & set(second.values())
    moments = random.Random(11)
    hits = 0
    for kill in range(KILLS):
        delivery = DELIVERIES[kill % 2]
        hits += run.kill(delivery, after=(kill + moments.random()) / KILLS * length)
        found = run.whole()
        assert set(found) == set(first)
        mixed = [
            place
            for place, checksum in found.items()
            if checksum not in (first[place], second[place])
        ]
        assert mixed == [], f"kill {kill} left half a month"
    assert hits >= KILLS / 3, "too few kills met a running process to show anything"
    run.complete(1)
    assert run.whole() == first
