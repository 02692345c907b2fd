"""Housekeeping through the real graph: afterwards everything works as before, and the month's cost
is known.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from dagster import AssetKey, DagsterInstance

from churn_platform.audit.anchors import mlflow_anchors
from churn_platform.audit.trail_file import read_records
from churn_platform.audit.verify import verify
from churn_platform.costs.usage import read_usage
from churn_platform.graph.old_runs import forgetting
from churn_platform.graph.resources.audit_trail import dagster_anchors
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.housekeeping.clean_up import Kept, Retention, keep_house
from churn_platform.training.fit import Means
from churn_platform.training.reproduce import reproduce
from churn_platform.training.tune import Budget
from churn_platform.warehouse.lake import connect
from churn_platform_tests.support.acme import land_snapshot, write_spec
from churn_platform_tests.support.checksums import checksums
from churn_platform_tests.support.graph_runs import Graph
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, MARCH, customers

EVERYTHING = datetime(2100, 1, 1, tzinfo=UTC)
STAGES = ("features", "training", "scores", "monitoring")


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """A snapshot portfolio with three landed months; one month of look-ups is to stay."""
    made = Graph(tmp_path_factory.mktemp("house"), tuning_trials=0)
    write_spec(made)
    for seed, month in enumerate((JANUARY, FEBRUARY, MARCH)):
        land_snapshot(made, month, customers(1_500, seed=seed))
    return made


@pytest.fixture(scope="module")
def instance(graph: Graph) -> Iterator[DagsterInstance]:
    """Dagster's history in a folder, as installations have it."""
    folder = graph.folder / "dagster"
    folder.mkdir()
    with DagsterInstance.local_temp(str(folder)) as made:
        yield made


@pytest.fixture(scope="module")
def kept(graph: Graph, instance: DagsterInstance) -> Kept:
    """Everything run twice, then cleared up by the job, then as if years had passed."""
    for _ in range(2):
        graph.run_on(instance, "acme_features", JANUARY, MARCH)
        graph.run_on(instance, "acme_training", JANUARY, JANUARY)
        graph.run_on(instance, "acme_scores", JANUARY, MARCH)
    graph.run_on(instance, "housekeeping", MARCH, MARCH)
    return keep(graph, instance)


def keep(graph: Graph, instance: DagsterInstance) -> Kept:
    """Housekeeping a hundred years on."""
    client = Tracking.of(graph.settings).client()
    retention = Retention(EVERYTHING, EVERYTHING, 1, grace=timedelta(0))
    return keep_house(graph.settings, ["acme"], client, retention, forget_runs=forgetting(instance))


def test_what_only_the_past_needs_goes(graph: Graph, instance: DagsterInstance, kept: Kept):
    """Runs that were repeated, states of the lake, older look-ups; each training here has made a
    version.
    """
    gone = {name: count for name, count in kept.removed.items() if count}
    assert {
        "Dagster runs",
        "snapshots of the lake",
        "files of the lake",
        "published months",
    } <= set(gone)
    assert kept.after["lake"].size_bytes < kept.before["lake"].size_bytes
    features = graph.settings.published_dir / "acme" / "features"
    assert [path.name for path in features.glob("[0-9]*")] == ["2025-03"]
    again = keep(graph, instance)
    packing = {"snapshots of the lake", "files of the lake"}  # of the first time
    assert {name for name, count in again.removed.items() if count} <= packing | {
        "outputs of Dagster runs"
    }


@invariant("Care", "After housekeeping the champion can be fitted again.")
def test_the_champion_comes_out_again(graph: Graph, kept: Kept):
    """Its snapshot is there still, and the rows in it."""
    client, budget = Tracking.of(graph.settings).client(), Budget(0, 0, 0)
    with closing(connect(graph.lake, read_only=True)) as connection:
        done = reproduce(
            connection,
            client,
            graph.portfolio("acme"),
            1,
            means=Means(1, budget, graph.settings.root / "tmp"),
            code_version=graph.settings.running_code_version,
            rows_max=100_000,
        )
    assert (done.largest_difference, done.agrees) == (0.0, True)


@invariant("Care", "After housekeeping the audit trail verifies.")
def test_the_audit_trail_and_what_proves_it_stay(
    graph: Graph, instance: DagsterInstance, kept: Kept
):
    """Heads noted in MLflow and in Dagster's runs included."""
    records = read_records(graph.settings.audit_path)
    noted = dagster_anchors(instance, ["acme"])
    assert records
    places = Counter(anchor.where.split()[3] for anchor in noted)
    assert set(places) == {"acme/champion", "acme/published_model", "acme/published_features"}
    assert places["acme/champion"] == places["acme/published_model"] == 2
    anchors = [*mlflow_anchors(Tracking.of(graph.settings).client()), *noted]
    assert verify(graph.settings.audit_path, anchors).findings == []


@invariant("Care", "After housekeeping the graph runs on.")
def test_the_graph_runs_on(graph: Graph, instance: DagsterInstance, kept: Kept):
    """The same month again gives the same tables, and another month is trained."""
    assert instance.get_materialized_partitions(AssetKey(["acme", "monthly_scores"])) >= {
        "2025-01-01",
        "2025-03-01",
    }
    before = checksums(graph.lake, "acme_features", "acme")
    for stage in STAGES:
        graph.run_on(instance, f"acme_{stage}", MARCH, MARCH)
    after = checksums(graph.lake, "acme_features", "acme")
    moved = {table for (table, month), rows in before.items() if after[table, month] != rows}
    assert len(before) > 10
    assert moved == set()


def test_the_months_cost_is_told(graph: Graph, kept: Kept):
    """Each step is on record once per run, repeated ones twice, and the month's cost is a table."""
    steps = [
        usage
        for usage in read_usage(graph.settings.costs_path)
        if usage.step == "acme__monthly_scores"
    ]
    assert len({usage.run_id for usage in steps}) == len(steps) >= 2
    assert {(usage.first_month, usage.last_month) for usage in steps[:2]} == {(JANUARY, MARCH)}
    rows = graph.query(
        "select item, quantity, cost_eur from platform.infrastructure_cost where month = ?", [MARCH]
    )
    found = {item: (quantity, cost) for item, quantity, cost in rows}
    assert found["standing"] == (1.0, 80.0)
    assert found["CPU"][0] > 0
    assert found["memory"][0] > 0
    assert found["storage"][0] > 0
