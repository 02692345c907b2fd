"""A small simulated operator from landed files to a published, scored month."""

import json
from datetime import date
from pathlib import Path

import lmdb
import numpy as np
import pytest
from dagster import AssetKey, BackfillPolicy

from churn_platform.bundles.onnx import run as run_onnx
from churn_platform.cli.result import as_text, read_result
from churn_platform.errors import ChurnError
from churn_platform.graph.dbt import Translator
from churn_platform.graph.dbt_metadata import model_metadata
from churn_platform.graph.dbt_project import prepared_project
from churn_platform.graph.partitions import PLATFORM, WAREHOUSE_POOL, monthly
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.portfolios.encoding import encode_row
from churn_platform.published.format import (
    CARD_FILE,
    FEATURES_FILE,
    MODEL_FILE,
    StoredCustomer,
    features_dir,
    model_dir,
    read_features_manifest,
    read_model_manifest,
    unpack_customer,
)
from churn_platform.published.live_file import read_live
from churn_platform.published.regular_files import file_sha256
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform.training.model_registry import CHAMPION, version_of
from churn_platform.training.versions import load_version
from churn_platform.warehouse.lake import connect
from churn_platform_tests.support.checksums import checksums
from churn_platform_tests.support.graph_runs import Graph
from churn_platform_tests.support.invariants import invariant

FIRST, LAST = date(2025, 1, 1), date(2025, 8, 1)
SCHEMAS = ("telecomit_raw", "telecomit")


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """6,000 customers over 8 months, with a champion, and the newest month scored and published."""
    # Two of four candidates: every algorithm has tests of its own, and each fit costs seconds.
    candidates = "logistic_regression,xgboost"
    graph = Graph(tmp_path_factory.mktemp("operator"), tuning_trials=0, candidates=candidates)
    config = SimulationConfig(customers=6_000, months=8, seed=3, calls_per_customer=10)
    simulate(config, graph.settings.landing_dir, graph.settings.truth_dir / "telecomit")
    graph.run("telecomit_features", FIRST, LAST)
    graph.run("telecomit_training", LAST, LAST)
    graph.run("telecomit_scores", LAST, LAST)
    return graph


def published(graph: Graph) -> Path:
    """The portfolio's published folder."""
    return graph.settings.published_dir / "telecomit"


def looked_up(graph: Graph, customer_ids: list[str]) -> list[StoredCustomer]:
    """Customers from the newest month's online features."""
    path = features_dir(published(graph), "2025-08") / FEATURES_FILE
    count = len(graph.portfolio("telecomit").features)
    with (
        lmdb.open(str(path), subdir=False, readonly=True, lock=False) as store,
        store.begin() as transaction,
    ):
        return [
            unpack_customer(transaction.get(customer_id.encode()), count)
            for customer_id in customer_ids
        ]


def test_every_active_customer_is_scored(operator: Graph) -> None:
    """Each customer of the month's spine has exactly one probability, and
    deciles are of one size.
    """
    assert operator.query(
        "select count(*), count(distinct scores.customer_id), "
        "count_if(churn_probability between 0 and 1) "
        "from telecomit.customer_months join telecomit.monthly_scores as scores "
        "using (customer_id, month) "
        "where month = ?",
        [LAST],
    ) == operator.query(
        "select count(*), count(*), count(*) from telecomit.customer_months where month = ?", [LAST]
    )
    sizes = [
        size
        for (size,) in operator.query(
            "select count(*) from telecomit.monthly_scores group by decile"
        )
    ]
    assert len(sizes) == 10
    assert max(sizes) - min(sizes) <= 1


@invariant("Training", "Table, look-up file, native model and ONNX agree.")
def test_table_lookup_native_and_onnx_agree(operator: Graph) -> None:
    """A customer's features and score are the same in the table, the look-up, the native model and
    ONNX.
    """
    portfolio = operator.portfolio("telecomit")
    names = ", ".join(portfolio.feature_names)
    rows = operator.query(
        f"select customer_id, churn_probability, reasons, {names} from telecomit.customer_features "
        "join telecomit.monthly_scores using (customer_id, month) where month = ? "
        "order by hash(customer_id) limit 300",
        [LAST],
    )
    stored = looked_up(operator, [row[0] for row in rows])
    encoded = np.array(
        [
            encode_row(dict(zip(portfolio.feature_names, row[3:], strict=True)), portfolio.features)
            for row in rows
        ]
    )
    np.testing.assert_array_equal(np.array([customer.features for customer in stored]), encoded)
    assert [list(customer.reasons) for customer in stored] == [row[2] for row in rows]

    scores = np.array([row[1] for row in rows])
    tracking = Tracking(
        tracking_uri=operator.settings.mlflow_uri,
        artifact_location=operator.settings.mlflow_artifacts,
    )
    model = load_version(tracking.client(), portfolio, 1).model
    folder = model_dir(published(operator), 1)
    np.testing.assert_allclose(
        [customer.churn_probability for customer in stored], scores, atol=1e-12
    )
    np.testing.assert_allclose(model.churn_probability(encoded), scores, atol=1e-7)
    np.testing.assert_allclose(
        model.calibration(run_onnx(folder / MODEL_FILE, encoded)), scores, atol=1e-5
    )


def test_published_files_are_what_their_manifests_say(operator: Graph) -> None:
    """Hashes match, the live file names both bundles, and a score can be traced to its run,
    snapshot and code.
    """
    live = read_live(published(operator))
    assert live is not None
    assert (live.models[0].version, live.features_month) == (1, "2025-08")
    folder, month = model_dir(published(operator), 1), features_dir(published(operator), "2025-08")
    manifest, features = read_model_manifest(folder), read_features_manifest(month)
    assert manifest.sha256 == {name: file_sha256(folder / name) for name in (MODEL_FILE, CARD_FILE)}
    assert features.sha256 == {FEATURES_FILE: file_sha256(month / FEATURES_FILE)}
    assert features.scored_by == manifest.version
    assert features.features == tuple(feature.name for feature in manifest.features)
    rows = operator.query(
        f"select count(*) from telecomit.churn_labels at (version => {manifest.data_snapshot}) "
        "where features_month = ?",
        [date.fromisoformat(f"{manifest.holdout_month}-01")],
    )
    assert rows == [(manifest.metrics["customers"],)]
    assert manifest.code_version.startswith("0.")


def test_champion_ranks_nearly_as_well_as_the_truth(operator: Graph) -> None:
    """On the hold-out the champion reaches most of the AUC of the probabilities that the simulator
    drew from.
    """
    with connect(operator.lake, read_only=True) as connection:
        portfolio = operator.portfolio("telecomit")
        result = read_result(
            connection, portfolio, operator.settings.published_dir, operator.settings.truth_dir
        )
    assert result.true_auc is not None
    assert 0.80 <= result.manifest.metrics["auc"] <= result.true_auc + 0.02
    assert result.manifest.metrics["auc"] >= 0.92 * result.true_auc
    text = as_text(portfolio, result, operator.settings.published_dir)
    assert len(result.highest_risk) == 10
    assert all(customer_id in text and reasons for customer_id, _, reasons in result.highest_risk)


@invariant("Time and data", "Running a month twice gives the same tables.")
def test_running_a_month_again_changes_no_table(operator: Graph) -> None:
    """Raw rows, features, labels and scores of a month are the same after a second run."""
    before = checksums(operator.lake, *SCHEMAS)
    operator.run("telecomit_features", date(2025, 7, 1), LAST)
    operator.run("telecomit_scores", LAST, LAST)
    assert checksums(operator.lake, *SCHEMAS) == before
    assert ("telecomit.customer_features", LAST) in before


@invariant("Promotion", "A refused challenger changes nothing that serves.")
def test_a_refused_challenger_changes_nothing_that_serves(
    operator: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that is no better is refused, and live file, bundle and alias stay.

    The same rows make the same model, which would keep its version; without an identity it is
    another.
    """
    monkeypatch.setattr("churn_platform.training.challengers.identity_of", lambda _: None)
    live = (published(operator) / "live.json").read_bytes()
    operator.run("telecomit_training", LAST, LAST)
    reasons = operator.query(
        "select is_promoted, reason from telecomit.evaluation where month = ?", [LAST]
    )
    assert reasons[0][0] is False
    assert "not shown to be better" in reasons[0][1]
    assert (published(operator) / "live.json").read_bytes() == live
    tracking = Tracking(
        tracking_uri=operator.settings.mlflow_uri,
        artifact_location=operator.settings.mlflow_artifacts,
    )
    assert version_of(tracking.client(), "telecomit", CHAMPION) == 1


@invariant("Time and data", "A broken file changes nothing.")
def test_a_truncated_delivery_fails_the_run_and_keeps_the_month(operator: Graph) -> None:
    """The error names the file and what is wrong; nothing of the month moves, nothing downstream
    runs.
    """
    before = checksums(operator.lake, *SCHEMAS)
    path = operator.settings.landing_dir / "telecomit" / "cdr" / "2025-08.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    try:
        with pytest.raises(ChurnError, match=r"cdr/2025-08\.parquet: .*truncated"):
            operator.run("telecomit_features", LAST, LAST)
    finally:
        path.write_bytes(whole)
    assert checksums(operator.lake, *SCHEMAS) == before


def test_every_asset_backfills_a_range_in_one_run(operator: Graph) -> None:
    """What is about a month is monthly with a single-run policy, what writes to the lake takes
    turns in the pool.
    """
    graph = operator.defs.resolve_asset_graph()
    about_no_month = {AssetKey([PLATFORM, name]) for name in ("housekeeping", "audit_trail")}
    of_the_day = {"champion_history", "published_model"}
    nodes = []
    for node in graph.asset_nodes:
        if node.key not in about_no_month and node.key.path[-1] not in of_the_day:
            nodes.append(node)
    assert len(nodes) > 30
    for node in nodes:
        assert node.partitions_def == monthly(operator.settings.first_month), node.key
        assert node.backfill_policy == BackfillPolicy.single_run(), node.key
    writers = {
        "customer_features",
        "churn_labels",
        "training_set",
        "evaluation",
        "monthly_scores",
        "cdr",
    }
    assert all(node.pools == {WAREHOUSE_POOL} for node in nodes if node.key.path[-1] in writers)


def test_columns_of_dbt_models_know_where_they_come_from(operator: Graph) -> None:
    """The UI's column lineage: a trend comes from the monthly aggregate,
    through the compiled SQL.
    """
    project = prepared_project(operator.portfolio("telecomit"), operator.settings)
    manifest = json.loads(project.manifest_path.read_text())
    with connect(operator.lake, read_only=True) as connection:
        model = "model.churn_platform.features_usage"
        found = model_metadata(
            connection, manifest, model, Translator("telecomit", project), project.target_path
        )
    upstream = found["dagster/column_lineage"].deps_by_column["data_usage_trend_3m"]
    assert {(dep.asset_key.path[-1], dep.column_name) for dep in upstream} == {
        ("int_usage_30d", "data_mb")
    }
    assert all(column.description for column in found["dagster/column_schema"].value.columns)
