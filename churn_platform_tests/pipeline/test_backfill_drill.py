"""The backfill drill: four hosts fill twelve months of one lake on Postgres and S3 at once, and two
of them are killed, ten times. `make drills-check` runs it and prints a table.
"""

import random
import time
from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from churn_platform.months import shift
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform_tests.pipeline.backfill import (
    LAYERS,
    Backfill,
    Starter,
    backfill,
    draw_kills,
    prepare,
)
from churn_platform_tests.pipeline.killable import Installation
from churn_platform_tests.support.s3_server import S3Server
from churn_platform_tests.support.variables import as_variables

pytestmark = pytest.mark.slow
FIRST, MONTHS, CUSTOMERS, CALLS = date(2025, 1, 1), 12, 300, 5
HOSTS, KILLS, REPETITIONS, SEED = 4, 2, 10, 17


@pytest.fixture(scope="module")
def starter() -> Starter:
    """Its server has the libraries and nothing open."""
    return Starter()


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A year of a small operator's files, which all hosts mount."""
    folder = tmp_path_factory.mktemp("landed")
    config = SimulationConfig(customers=CUSTOMERS, months=MONTHS, seed=3, calls_per_customer=CALLS)
    simulate(config, folder / "landing", folder / "truth")
    return folder / "landing"


def host(folder: Path, landing: Path, extra: Mapping[str, str], starter: Starter) -> Installation:
    """A host with folders of its own, ready to run."""
    made = Installation(folder, extra)
    made.data.mkdir(parents=True)
    (made.data / "landing").symlink_to(landing)
    starter.complete(made, prepare)
    return made


@pytest.fixture(scope="module")
def alone(
    tmp_path_factory: pytest.TempPathFactory, landing: Path, starter: Starter
) -> tuple[dict[str, float], dict[str, str]]:
    """What one host makes undisturbed, in a folder: seconds of each layer, tables."""
    made = host(tmp_path_factory.mktemp("alone"), landing, {}, starter)
    seconds = {}
    for layer in LAYERS:
        whole = partial(backfill, layer, FIRST, shift(FIRST, MONTHS - 1))
        seconds[layer] = starter.complete(made, whole)
    tables = starter.found(made)["tables"]
    assert len(tables) > 100
    return seconds, tables


@pytest.mark.parametrize("repetition", range(1, REPETITIONS + 1))
def test_hosts_that_are_killed_in_a_backfill_leave_what_an_undisturbed_run_leaves(
    repetition: int,
    tmp_path: Path,
    landing: Path,
    starter: Starter,
    alone: tuple[dict[str, float], dict[str, str]],
    new_catalog: str,
    s3_server: S3Server,
) -> None:
    """Every month of every table has the same rows, and no file is damaged."""
    begun = time.monotonic()
    lake = {"catalog": new_catalog, "lake_data_path": s3_server.new_url()}
    extra = as_variables({**s3_server.overrides(), **lake})
    folders = [tmp_path / str(number) for number in range(1, HOSTS + 1)]
    hosts = [host(folder, landing, extra, starter) for folder in folders]
    seconds, tables = alone
    ours = Backfill(starter, hosts, FIRST, MONTHS, seconds)
    ours.run(draw_kills(random.Random(SEED + repetition), HOSTS, KILLS))
    found = starter.found(hosts[0])
    took = time.monotonic() - begun
    kills = "; ".join(ours.killed)
    print(f"\n| {repetition} | {kills} | {found['orphans']} | {took:.0f} s |", flush=True)
    assert found["damage"] == []
    assert found["tables"] == tables
    assert len(ours.killed) >= KILLS
