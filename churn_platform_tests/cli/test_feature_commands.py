"""The commands on features: try one's own, and see which months have which."""

from contextlib import closing
from datetime import date

import pytest

from churn_platform import definitions
from churn_platform.errors import ChurnError
from churn_platform.graph import runs
from churn_platform.own_features.feature_months import note_built
from churn_platform.portfolios.loader import load_recipe
from churn_platform.settings import Settings
from churn_platform.warehouse.lake import Lake, connect
from churn_platform_tests.cli.conftest import Churn

JANUARY, FEBRUARY, MARCH = (date(2025, month, 1) for month in (1, 2, 3))
ENTRY = "{type: integer, description: One., reason: '{value:count one}', range: [0, 5]}"
SQL = "select customer_id, 1 as ones from {{ ref('customer_months') }}"


@pytest.fixture
def own(settings: Settings) -> Settings:
    """Telecomit with a feature of its own, and a lake that has February's spine."""
    folder = settings.portfolios_dir / "telecomit" / "features"
    folder.mkdir(parents=True)
    (folder / "ones.yaml").write_text(ENTRY)
    (folder / "ones.sql").write_text(SQL)
    with closing(connect(Lake.of(settings))) as connection:
        connection.execute("create schema telecomit")
        connection.execute(
            "create table telecomit.customer_months as "
            f"select 'ada' as customer_id, date '{FEBRUARY}' as month"
        )
    return settings


def test_check_says_that_a_feature_is_well(churn: Churn, own: Settings):
    """On the newest month that has a spine."""
    done = churn("features", "check", "telecomit")
    assert done.exit_code == 0
    assert "on 2025-02" in done.stdout
    assert "well" in done.stdout


def test_check_says_what_is_wrong(churn: Churn, own: Settings):
    """Exit code 1, so that a script may stop there."""
    path = own.portfolios_dir / "telecomit" / "features" / "ones.sql"
    path.write_text(SQL.replace("1 as", "9 as"))
    done = churn("features", "check", "telecomit")
    assert done.exit_code == 1
    assert "ones: 1 values are not allowed by the entry, e.g. 9" in done.stdout


def test_check_without_own_features_says_where_they_go(churn: Churn, settings: Settings):
    """With the folder and the two files."""
    with pytest.raises(ChurnError, match="telecomit/features"):
        churn("features", "check", "telecomit")


def note_that_only_march_has_it(own: Settings) -> None:
    """January and February were built before the feature came."""
    recipe = load_recipe("telecomit")
    lake = Lake.of(own)
    with closing(connect(lake)) as connection:
        note_built(connection, lake, recipe, [JANUARY, FEBRUARY])
        grown = recipe.feature("frequency").model_copy(update={"name": "ones"})
        update = {"features": (*recipe.features, grown)}
        note_built(connection, lake, recipe.model_copy(update=update), [MARCH])


def test_months_says_which_lack_which(churn: Churn, own: Settings):
    """Months in a row that lack the same are one line; the catalogue has one more than the
    recipe.
    """
    note_that_only_march_has_it(own)
    assert churn("features", "months", "telecomit").stdout.splitlines() == [
        "2025-01 to 2025-02  without ones",
        "2025-03 to 2025-03  every feature of the catalogue",
    ]


def test_backfill_of_a_feature_that_every_month_has_runs_nothing(churn: Churn, own: Settings):
    """It says so; no graph is loaded."""
    done = churn("features", "backfill", "telecomit", "--feature", "ones")
    assert done.stdout == "every month of telecomit has ones\n"


def test_backfill_fills_the_older_months_in_one_run(
    churn: Churn, own: Settings, monkeypatch: pytest.MonkeyPatch
):
    """Of the feature's own table and the one that has all; no other is made again."""
    note_that_only_march_has_it(own)
    with closing(connect(Lake.of(own))) as connection:
        connection.execute("create schema telecomit_raw")
        connection.execute(
            "create table telecomit_raw.customers as "
            f"select unnest([date '{JANUARY}', date '{FEBRUARY}', date '{MARCH}']) as month"
        )
    asked = []
    monkeypatch.setattr(definitions, "build_defs", lambda: None)
    monkeypatch.setattr(runs, "dagster_instance", lambda home: None)
    monkeypatch.setattr(
        runs,
        "materialize_tables",
        lambda defs, instance, tables, span, **others: asked.append((tables, span)),
    )
    done = churn("features", "backfill", "telecomit", "--feature", "ones")
    assert done.stdout == "ones: 2025-01 to 2025-02, 2 months\n"
    own_table, whole = "telecomit.own_ones", "telecomit.customer_features"
    assert asked == [([own_table, whole], (JANUARY, FEBRUARY))]
