"""The same config gives the same bytes; a scenario changes nothing before it begins."""

import hashlib
import importlib
from datetime import date
from pathlib import Path

import duckdb
import pytest

simulate_module = importlib.import_module("churn_platform.simulator.simulate")


def digests(world: Path, before: str = "9999-12") -> dict[str, str]:
    """Hash of every file of the months before `before`, by path within the world."""
    return {
        str(path.relative_to(world)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(world.rglob("*.parquet"))
        if path.stem < before
    }


def test_same_seed_same_bytes(small_world, make_world):
    """A second run writes the same bytes, however many threads DuckDB may use in this process."""
    duckdb.execute("set threads = 1")
    assert digests(make_world()) == digests(small_world)
    duckdb.execute("reset threads")


def test_bytes_do_not_depend_on_workers(make_world, monkeypatch):
    """One worker thread writes what several write, in the same order of rows."""
    monkeypatch.setattr(simulate_module, "CHUNK_CUSTOMERS", 400)
    several = digests(make_world())
    monkeypatch.setattr(simulate_module, "WORKERS", 1)
    assert digests(make_world()) == several


def test_other_seed_other_world(small_world, make_world):
    """Another seed changes every file."""
    other = digests(make_world(seed=8))
    assert not set(other.values()) & set(digests(small_world).values())


@pytest.mark.parametrize("scenario", ["price_rise", "competitor", "harmless_mix", "broken_feed"])
def test_scenario_leaves_the_past_alone(scenario, small_world, make_world):
    """Files before the scenario's month are byte for byte those of the undisturbed world; the month
    itself differs.
    """
    disturbed = make_world(scenario=scenario, scenario_month=date(2025, 3, 1))
    assert digests(disturbed, before="2025-03") == digests(small_world, before="2025-03")
    assert digests(disturbed) != digests(small_world)


def test_broken_feed_heals(make_world, small_world):
    """Only the broken month differs, and in it only the two broken tables."""
    broken, whole = (
        digests(make_world(scenario="broken_feed", scenario_month=date(2025, 2, 1))),
        digests(small_world),
    )
    differing = {path for path in whole if broken[path] != whole[path]}
    assert differing == {
        f"landing/telecomit/{table}/2025-02.parquet" for table in ("cdr", "transactions")
    }
