"""A feature comes to an installation in use, is filled in and goes, by the commands that a person
gives; the champion from before goes on. `make features-check` runs it.
"""

from collections.abc import Callable
from contextlib import closing
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from dagster import DagsterInstance

from churn_platform.months import month_range, shift
from churn_platform.published.live_file import read_live
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform.warehouse.lake import Lake, connect
from churn_platform_tests.pipeline.killable import (
    Installation,
    change_spec,
    preload,
    run_cli,
    run_stage,
)
from churn_platform_tests.support.checksums import Checksums, checksums

pytestmark = pytest.mark.slow
PORTFOLIO, FEATURE = "telecomit", "calls_abroad_30d"
FIRST, LAST = date(2025, 1, 1), date(2025, 6, 1)
NEW, AFTER = date(2025, 7, 1), date(2025, 8, 1)
GATES = {"min_auc": 0.5, "min_recall": 0.0, "max_calibration_error": 1, "max_fairness_gap": 1}
ENTRY = """
type: integer
table: cdr
range: [0, 1000]
description: Calls abroad in 30 days.
reason: "{value:count call} abroad"
"""
SQL = """
with

calls as (
    select * from {{ ref('stg_cdr').render() }}
    where {{ in_days_before_as_of('started_at', 30) }} and is_international
)

select spine.customer_id, count(calls.customer_id) as calls_abroad_30d
from {{ ref('customer_months') }} as spine
left join calls using (customer_id)
group by spine.customer_id
"""


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A small operator with a champion and scores of June; files of two more months have landed."""
    preload()
    change_spec(monkeypatch, tmp_path, PORTFOLIO, candidates=["logistic_regression"], gates=GATES)
    made = Installation(tmp_path)
    config = SimulationConfig(customers=600, months=8, seed=3, calls_per_customer=5)
    simulate(config, made.settings.landing_dir, made.settings.truth_dir)
    made.complete(job("features", FIRST, LAST))
    made.complete(job("training", LAST, LAST))
    made.complete(job("scores", LAST, LAST))
    return made


def job(stage: str, first: date, last: date) -> Callable[[], None]:
    """A stage's job, to be run in a process of its own."""
    return partial(run_stage, PORTFOLIO, stage, first, last)


def command(installation: Installation, *words: str) -> str:
    """What a command of `churn` prints."""
    begun = installation.log.stat().st_size
    installation.complete(partial(run_cli, words))
    return installation.log.read_text()[begun:]


def runs(installation: Installation) -> int:
    """How many runs Dagster knows of."""
    with DagsterInstance.from_config(str(installation.home)) as instance:
        return instance.get_runs_count()


def filled(installation: Installation) -> dict[date, tuple[int, int]]:
    """Customers of each month, and those who have the feature."""
    query = (
        f"select month, count(*), count({FEATURE}) from {PORTFOLIO}.customer_features "
        "group by month order by month"
    )
    with closing(connect(Lake.of(installation.settings), read_only=True)) as connection:
        rows = connection.execute(query).fetchall()
    return {month: (customers, known) for month, customers, known in rows}


def served(installation: Installation) -> tuple[int, str | None]:
    """The version of the champion that is published, and the month of its scores."""
    live = read_live(installation.settings.published_dir / PORTFOLIO)
    assert live is not None
    return live.models[0].version, live.features_month


def recipe_columns(installation: Installation) -> Checksums:
    """Every month of the recipe's tables of features, without what has all of them."""
    held = checksums(Lake.of(installation.settings), PORTFOLIO)
    return {place: sum_ for place, sum_ in held.items() if ".features_" in place[0]}


def test_a_feature_is_filled_in_one_run_and_the_champion_goes_on(installation: Installation):
    """It comes with a month, older ones are filled, it is taken away, and each month is scored."""
    version, _ = served(installation)
    folder = installation.settings.portfolios_dir / PORTFOLIO / "features"
    folder.mkdir(parents=True)
    entry, sql = folder / f"{FEATURE}.yaml", folder / f"{FEATURE}.sql"
    entry.write_text(ENTRY)
    sql.write_text(SQL)
    assert "well" in command(installation, "features", "check", PORTFOLIO)

    installation.complete(job("features", NEW, NEW))
    installation.complete(job("scores", NEW, NEW))
    assert served(installation) == (version, "2025-07")
    told = command(installation, "features", "months", PORTFOLIO)
    assert f"2025-01 to 2025-06  without {FEATURE}" in told
    lacking = [month for month, (_, known) in filled(installation).items() if not known]
    assert lacking == month_range(FIRST, LAST)

    before, begun = recipe_columns(installation), runs(installation)
    told = command(installation, "features", "backfill", PORTFOLIO, "--feature", FEATURE)
    assert f"{FEATURE}: 2025-01 to 2025-06, 6 months" in told
    assert runs(installation) == begun + 1
    assert recipe_columns(installation) == before
    by_month = filled(installation)
    assert list(by_month) == month_range(FIRST, NEW)
    assert all(customers == known > 0 for customers, known in by_month.values())
    told = command(installation, "features", "backfill", PORTFOLIO, "--feature", FEATURE)
    assert f"every month of {PORTFOLIO} has {FEATURE}" in told

    entry.unlink()
    sql.unlink()
    installation.complete(job("features", AFTER, AFTER))
    installation.complete(job("scores", AFTER, AFTER))
    assert served(installation) == (version, "2025-08")
    assert filled(installation)[AFTER][1] == 0
    assert filled(installation)[shift(AFTER, -1)] == by_month[NEW]
