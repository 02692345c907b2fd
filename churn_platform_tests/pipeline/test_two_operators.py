"""Two operators in one Dagster instance and one lake, at the same time: each backfills a year in a
process of its own, and neither loses anything, however often both are killed.
"""

import os
import random
import signal
import time
from datetime import date
from functools import partial
from pathlib import Path

import pytest
import yaml

from churn_platform.months import month_range
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform.warehouse.lake import Lake
from churn_platform_tests.pipeline.killable import Installation, preload
from churn_platform_tests.support.checksums import Checksums, checksums

pytestmark = pytest.mark.slow
FIRST, LAST, MONTHS = date(2025, 1, 1), date(2025, 12, 1), 12
CUSTOMERS, CALLS = 200, 5
KILLS = 10
# Of the time in which kills are drawn, after both had ended within it.
SHORTER = 0.7
OPERATORS = ("telecomit", "nordtel")
# nordtel reads its tables from files of its own, and has no app.
TABLES = ("customers", "transactions", "cdr", "support_tickets")
ASSETS = ("customers", "cdr", "customer_months", "customer_features", "churn_labels")


def define() -> None:
    """Make what defining the graph takes, so that no kill comes before the first asset."""
    from churn_platform.definitions import build_defs

    build_defs()


def backfill(portfolio: str) -> None:
    """Features of the whole year, as one run of the graph."""
    from churn_platform.definitions import build_defs
    from churn_platform.graph.runs import dagster_instance, run_job
    from churn_platform.settings import load_settings

    log = load_settings().root / "logs" / f"{portfolio}.log"
    job = f"{portfolio}_features"
    run_job(build_defs(), dagster_instance(Path.cwd()), job, FIRST, LAST, log=log, show=print)


def land(installation: Installation) -> None:
    """A year of both operators: telecomit's landed, nordtel's where its spec says."""
    settings = installation.settings
    for portfolio, seed in zip(OPERATORS, (3, 4), strict=True):
        config = SimulationConfig(
            customers=CUSTOMERS, months=MONTHS, seed=seed, calls_per_customer=CALLS
        )
        folder = settings.landing_dir
        if portfolio == "nordtel":
            folder = installation.folder / "of_nordtel"
        simulate(config, folder, settings.truth_dir)

    files = installation.folder / "of_nordtel" / "telecomit"
    tables = []
    for name in TABLES:
        origin = {"source": "own", "path": f"{name}/{{month}}.parquet"}
        tables.append({"name": name, "from": origin})
    spec = {
        "name": "nordtel",
        "title": "Nordtel",
        "kind": "events",
        "recipe": "telecomit",
        "sources": {"own": {"kind": "files", "location": str(files)}},
        "tables": tables,
    }
    settings.portfolios_dir.mkdir(parents=True)
    (settings.portfolios_dir / "nordtel.yaml").write_text(yaml.safe_dump(spec))


def started(installation: Installation) -> list[int]:
    """Both backfills, begun at the same time; their processes."""
    return [installation.start(partial(backfill, portfolio)) for portfolio in OPERATORS]


def completed(installation: Installation) -> float:
    """Both backfills to their end; the seconds that they took together."""
    begun = time.monotonic()
    for child in started(installation):
        _, status = os.waitpid(child, 0)
        assert status == 0, installation.log.read_text()[-3_000:]
    return time.monotonic() - begun


def killed(installation: Installation, delays: list[float]) -> int:
    """Begin both, and kill each after its seconds; how many were still running."""
    begun = time.monotonic()
    children = zip(delays, started(installation), strict=True)
    hits = 0
    for delay, child in sorted(children):
        time.sleep(max(0.0, begun + delay - time.monotonic()))
        ended, status = os.waitpid(child, os.WNOHANG)
        assert status == 0, installation.log.read_text()[-3_000:]
        if ended == 0:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            hits += 1
    return hits


def begin_anew(installation: Installation) -> None:
    """As both were connected and landed, and nothing had run."""
    installation.bring_back("before")
    installation.keep("before")


def held(installation: Installation) -> Checksums:
    """Every month of every table of both."""
    schemas = []
    for portfolio in OPERATORS:
        schemas += [portfolio, f"{portfolio}_raw"]
    return checksums(Lake.of(installation.settings), *schemas)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Both operators, connected and landed; nothing has run."""
    preload()
    made = Installation(tmp_path)
    land(made)
    made.complete(define)
    return made


def test_two_operators_backfill_at_once_and_survive_kills(installation: Installation) -> None:
    """A year of both has every month of every table, and is the same after kills at random."""
    installation.keep("before")
    seconds = completed(installation)
    undisturbed = held(installation)
    for portfolio in OPERATORS:
        of_portfolio = [place for place in undisturbed if place[0].startswith(portfolio)]
        tables = {table.rpartition(".")[2] for table, _ in of_portfolio}
        assert set(ASSETS) <= tables
        spine = [month for table, month in of_portfolio if table == f"{portfolio}.customer_months"]
        assert sorted(spine) == month_range(FIRST, LAST)

    generator = random.Random(20)
    begin_anew(installation)
    hits = 0
    while hits < KILLS:
        delays = [generator.uniform(0.05, 1) * seconds for _ in OPERATORS]
        killed_now = killed(installation, delays)
        hits += killed_now
        print(f"{killed_now} killed, {hits} of {KILLS}", flush=True)
        if not killed_now:
            # The machine is less busy than it was, and nothing is left to be killed.
            assert held(installation) == undisturbed
            begin_anew(installation)
            seconds *= SHORTER

    completed(installation)
    assert held(installation) == undisturbed
