"""A run that is killed (SIGKILL) at any moment leaves no half month behind."""

import os
import random
import signal
import time
from datetime import date

import pytest

from churn_platform.simulator import SimulationConfig, simulate
from churn_platform_tests.pipeline.graph import Graph

FIRST, LAST = date(2025, 1, 1), date(2025, 3, 1)
KILLS = 20


def deliver(graph: Graph, seed: int) -> None:
    """Land three months of another world: every row of every month differs from seed to seed."""
    config = SimulationConfig(customers=400, months=3, seed=seed, calls_per_customer=10)
    simulate(config, graph.settings.landing_dir, graph.settings.truth_dir)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """A lake with three months of the first delivery."""
    graph = Graph(tmp_path_factory.mktemp("killed"))
    deliver(graph, seed=1)
    graph.run("telecomit_features", FIRST, LAST)
    return graph


def killed_run(graph: Graph, after: float) -> bool:
    """Run the features job in a process group of its own and kill it all after so many seconds; whether it was hit."""
    child = os.fork()
    if child == 0:
        os.setsid()
        status = 1
        try:
            graph.run("telecomit_features", FIRST, LAST)
            status = 0
        finally:
            os._exit(status)
    deadline = time.monotonic() + after
    while time.monotonic() < deadline:
        ended, _ = os.waitpid(child, os.WNOHANG)
        if ended:
            return False
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def complete_months(graph: Graph) -> dict[tuple[str, date], str]:
    """What must be whole: raw rows; and of derived tables the customers, for their values mix what raw months mix."""
    derived = graph.checksums("telecomit", of="customer_id")
    spine = {place: checksum for place, checksum in derived.items() if place[0] != "telecomit.churn_labels"}
    return graph.checksums("telecomit_raw") | spine


def test_each_month_is_old_or_new_after_every_kill(loaded: Graph) -> None:
    """Over 20 kills at random moments each table holds each month as one delivery or as the other, never mixed.

    A last run then completes: nothing that a killed run left is in its way.
    """
    first = complete_months(loaded)
    deliver(loaded, seed=2)
    begun = time.monotonic()
    loaded.run("telecomit_features", FIRST, LAST)
    length = time.monotonic() - begun
    second = complete_months(loaded)
    moments = random.Random(11)
    hits = 0
    for kill in range(KILLS):
        deliver(loaded, seed=1 + kill % 2)
        hits += killed_run(loaded, after=moments.uniform(0.2, length))
        found = complete_months(loaded)
        assert set(found) == set(first)
        mixed = [place for place, checksum in found.items() if checksum not in (first[place], second[place])]
        assert mixed == [], f"kill {kill} left half a month"
    assert hits >= KILLS * 0.7
    deliver(loaded, seed=1)
    loaded.run("telecomit_features", FIRST, LAST)
    assert complete_months(loaded) == first
