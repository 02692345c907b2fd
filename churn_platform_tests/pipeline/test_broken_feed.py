"""Feeds in the real graph: a broken one is loaded and stops its month, one that is missing is told
of.
"""

from contextlib import closing
from datetime import date

import pytest
from dagster import AssetCheckKey, AssetKey, DagsterInstance

from churn_platform.data_contract.profile_tables import check_month
from churn_platform.errors import ChurnError
from churn_platform.ingest.load import load_month
from churn_platform.months import month_range
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform.warehouse.lake import connect
from churn_platform_tests.support.graph_runs import HASH_KEY, Graph
from churn_platform_tests.support.invariants import invariant

FIRST, BROKEN = date(2025, 1, 1), date(2025, 4, 1)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """An operator with three sound months, loaded and checked, and a broken one that has just
    landed.
    """
    graph = Graph(tmp_path_factory.mktemp("broken"))
    config = SimulationConfig(
        customers=500, months=4, seed=3, scenario="broken_feed", calls_per_customer=3
    )
    simulate(config, graph.settings.landing_dir, graph.settings.truth_dir / "telecomit")
    portfolio = graph.portfolio("telecomit")
    with closing(connect(graph.lake)) as connection:
        for month in month_range(FIRST, date(2025, 3, 1)):
            for table in portfolio.landed_tables:
                landing = graph.settings.landing_dir
                load_month(
                    connection,
                    graph.lake,
                    portfolio,
                    table,
                    month,
                    landing_dir=landing,
                    hash_key=HASH_KEY,
                )
                if not table.optional:
                    assert check_month(connection, graph.lake, portfolio, table, month) == []
    return graph


def test_a_gap_that_features_look_back_on_is_told(operator: Graph) -> None:
    """March after January: the run goes on, and whoever watches it reads that
    February is missing.
    """
    january, _, march = month_range(FIRST, date(2025, 3, 1))
    assert [
        line for line in operator.run("telecomit_features", january, january) if "warning" in line
    ] == []
    lines = operator.run("telecomit_features", march, march)
    assert [line for line in lines if "warning" in line] == [
        "warning: features of 2025-03 without 2025-02: what they sum over months is too low until "
        "those are run"
    ]


@invariant(
    "Time and data",
    "A broken feed stops its month before features, and scores that are asked for later.",
)
def test_a_broken_feed_stops_the_month(operator: Graph) -> None:
    """In a run of the whole month raw tables are loaded, and no feature, score, list or bundle is
    made of them.

    A run of the scores alone, later, is refused too; both say what is wrong. Only the broken
    table's check has failed.
    """
    with DagsterInstance.ephemeral() as instance:
        with pytest.raises(ChurnError, match="cdr: rows per customer"):
            operator.run_on(instance, "telecomit_month", BROKEN, BROKEN)
        made = {
            key.path[0]
            for key in instance.all_asset_keys()
            if instance.get_latest_materialization_event(key)
        }
        checks = [
            AssetCheckKey(AssetKey(["telecomit_raw", table]), "keeps_data_contract")
            for table in ("customers", "cdr")
        ]
        found = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    assert made == {"telecomit_raw"}
    assert [found[key].status.value for key in checks] == ["SUCCEEDED", "FAILED"]
    with (
        DagsterInstance.ephemeral() as instance,
        pytest.raises(ChurnError, match="2025-04: cdr: rows per customer"),
    ):
        operator.run_on(instance, "telecomit_scores", BROKEN, BROKEN)
    assert not (operator.settings.published_dir / "telecomit" / "features").exists()
