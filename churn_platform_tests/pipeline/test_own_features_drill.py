"""dbt builds a portfolio with a clock, a policy and a feature of its own, and the feature is added,
filled in and taken away while the lake is in use.
"""

import os
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from dbt.cli.main import dbtRunner

from churn_platform.graph.dbt_profile import dbt_environment
from churn_platform.graph.dbt_project import project_files, write_files
from churn_platform.own_features.backfill import months_without, tables_to_build
from churn_platform.own_features.checks import check_features
from churn_platform.own_features.feature_months import (
    known_features,
    note_built,
    prepare_columns,
)
from churn_platform.portfolios.dbt_variables import calendar_and_label
from churn_platform.portfolios.spec import Feature, Portfolio
from churn_platform.warehouse.lake import connect
from churn_platform_tests.support.event_portfolios import of_recipe
from churn_platform_tests.support.literal_world import DEC, FEB, JAN, MAR, ROWS, record
from churn_platform_tests.support.tiny_lake import TinyLake, tiny_lake

pytestmark = pytest.mark.slow
APRIL = date(2025, 4, 1)
OLD = of_recipe(
    "acme",
    "customers",
    "cdr",
    timezone="America/New_York",
    label={
        "policy": "inactivity",
        "days": 28,
        "events": [{"table": "cdr", "where": {"record_type": ["voice", "sms"]}}],
    },
)
CALLS_ABROAD = Feature(
    name="calls_abroad_90d",
    type="integer",
    group="own",
    table="cdr",
    description="Calls abroad in 90 days.",
    reason="{value:count call} abroad",
    range=(0, 100),
    own=True,
)
SQL = """
with

calls as (
    select * from {{ ref('stg_cdr').render() }}
    where {{ in_days_before_as_of('started_at', 90) }} and is_international
),

spine as (
    select * from {{ ref('customer_months') }}
)

select
    spine.customer_id,
    count(calls.customer_id) as calls_abroad_90d,
from spine
left join calls using (customer_id)
group by spine.customer_id
"""
GROWN = OLD.model_copy(
    update={
        "features": (*OLD.features, CALLS_ABROAD),
        "own_sql": {CALLS_ABROAD.name: SQL},
    }
)


@dataclass(frozen=True)
class Operator:
    """A lake, and the folder of the dbt project as the portfolio now has it."""

    world: TinyLake
    project: Path

    def run(self, portfolio: Portfolio, first: date, end: date, *arguments: str) -> None:
        """What a run of the features does, from `first` up to, but without, `end`."""
        lake = self.world.lake
        with closing(connect(lake)) as connection:
            prepare_columns(connection, lake, portfolio)
        write_files(self.project, project_files(portfolio))
        folders = ("--project-dir", "--profiles-dir"), ("--target-path", "--log-path")
        given = ["build", "--exclude-resource-type", "unit_test", "--quiet", *arguments]
        for options, place in zip(folders, (self.project, lake.temp_dir), strict=True):
            for option in options:
                given += [option, str(place)]
        given += ["--event-time-start", str(first), "--event-time-end", str(end)]
        with mock.patch.dict(os.environ, dbt_environment(lake)):
            outcome = dbtRunner().invoke(given)
        assert outcome.success, outcome.exception or outcome.result
        built = [month for month in (DEC, JAN, FEB, MAR) if first <= month < end]
        with closing(connect(lake)) as connection:
            note_built(connection, lake, portfolio, built)

    def values(self, month: date) -> dict[str, Any]:
        """The own feature of each customer in a month."""
        query = f"from acme.customer_features where month = date '{month}'"
        found = self.world.rows(f"select customer_id, {CALLS_ABROAD.name} as value {query}")
        return {row["customer_id"]: row["value"] for row in found}


def test_a_feature_comes_is_filled_in_and_goes(tmp_path: Path, extensions: Path):
    """Old months are null until they are filled, and no month is lost when the feature goes."""
    lake = tiny_lake(tmp_path, extensions)
    world = TinyLake(lake, OLD, None)  # type: ignore[arg-type]  # dbt parses each project anew
    operator = Operator(world, tmp_path / "project")
    march = record(90, datetime(2025, 3, 20), "voice", contact=1, seconds=60)
    world.add({"customers": ROWS["customers"], "cdr": [*ROWS["cdr"], march]})
    operator.run(OLD, DEC, FEB)

    # Silence by New York's days: of January's spine, who called from 4 January on.
    spine = "select customer_id from acme.customer_months where month = date '2025-01-01'"
    assert world.rows(spine) == [{"customer_id": "ada"}]
    assert calendar_and_label(OLD)["label_outcome_months"] == 1

    operator.run(GROWN, FEB, MAR)
    assert operator.values(FEB) == {"ada": 1, "ben": 0}
    assert operator.values(JAN) == {"ada": None}
    labels = "select customer_id, churned from acme.churn_labels where month = date '2025-02-01'"
    assert world.rows(labels) == [{"customer_id": "ada", "churned": False}]
    with closing(connect(lake, read_only=True)) as connection:
        assert CALLS_ABROAD.name not in known_features(connection, "acme")[JAN]
        (found,) = check_features(
            connection,
            GROWN,
            FEB,
            project=operator.project,
            variables=calendar_and_label(GROWN),
        )
        missing = months_without(connection, GROWN, CALLS_ABROAD.name)
    assert (found.wrong, found.highest, missing) == ((), 1, [DEC, JAN])

    tables = [name.partition(".")[2] for name in tables_to_build(GROWN, CALLS_ABROAD.name)]
    operator.run(GROWN, DEC, FEB, "--select", *tables)
    assert operator.values(JAN) == {"ada": 0}
    with closing(connect(lake, read_only=True)) as connection:
        assert months_without(connection, GROWN, CALLS_ABROAD.name) == []

    operator.run(OLD, MAR, APRIL)
    assert operator.values(MAR) == {"ada": None}
    assert operator.values(FEB) == {"ada": 1, "ben": 0}
