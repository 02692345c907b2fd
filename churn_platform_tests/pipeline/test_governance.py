"""A snapshot from the landed file to fairness, explanations and card, through the real graph and
MLflow.
"""

from datetime import date

import pytest

from churn_platform.errors import TrainingError
from churn_platform.governance.card_facts import read_card
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.published.format import CARD_FILE, model_dir, read_model_manifest
from churn_platform.published.regular_files import file_sha256
from churn_platform.training.artifacts import IMPORTANCE_FILE, read_json, read_pictures
from churn_platform.training.model_record import record_of_version
from churn_platform_tests.support.acme import land_snapshot, write_spec
from churn_platform_tests.support.graph_runs import Graph
from churn_platform_tests.support.tiny import customers

MONTH = date(2025, 3, 1)


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """A snapshot with a champion."""
    graph = Graph(tmp_path_factory.mktemp("acme"), draws=True)
    write_spec(graph)
    land_snapshot(graph, MONTH, customers(2_000, seed=3))
    graph.run("acme_features", MONTH, MONTH)
    graph.run("acme_training", MONTH, MONTH)
    return graph


def tracking(graph: Graph) -> Tracking:
    """The graph's MLflow."""
    return Tracking(
        tracking_uri=graph.settings.mlflow_uri, artifact_location=graph.settings.mlflow_artifacts
    )


def test_fairness_stands_in_the_lake(acme: Graph) -> None:
    """One row per level of the protected attribute for the challenger; the hold-out's customers add
    up.
    """
    rows = acme.query(
        'select "group", customers, is_judged from acme.fairness_report where month = ?', [MONTH]
    )
    assert [row[0] for row in sorted(rows)] == ["missing", "monthly", "prepaid", "yearly"]
    assert sum(row[1] for row in rows) == 400
    assert {row[0] for row in rows if row[2]} >= {"monthly", "prepaid", "yearly"}


def test_importance_stands_in_the_lake_and_on_the_run(acme: Graph) -> None:
    """Every feature once, ranked, shares adding up to one; monitoring reads the same from the run's
    importance.json.
    """
    rows = acme.query(
        "select feature, rank, share, model_version from acme.explanations order by rank"
    )
    assert [row[1] for row in rows] == [1, 2, 3, 4]
    assert sum(row[2] for row in rows) == pytest.approx(1)
    client = tracking(acme).client()
    run_id = record_of_version(client, "acme", rows[0][3]).mlflow_run_id
    assert [it["feature"] for it in read_json(client, run_id, IMPORTANCE_FILE)] == [
        row[0] for row in rows
    ]
    assert next(iter(read_pictures(client, run_id))) == "shap_summary.png"


def test_the_card_is_on_the_run_and_beside_the_model(acme: Graph) -> None:
    """The champion's card is the one published beside it, its hash in the manifest; a version
    without one is named.
    """
    client, folder = tracking(acme).client(), model_dir(acme.settings.published_dir / "acme", 1)
    page = read_card(client, "acme", 1, ending="html")
    assert (folder / CARD_FILE).read_bytes() == page
    assert read_model_manifest(folder).sha256[CARD_FILE] == file_sha256(folder / CARD_FILE)
    record = record_of_version(client, "acme", 1)
    told = read_card(client, "acme", 1, ending="md").decode()
    assert f"{record.holdout['auc']:.4f}" in told
    assert record.mlflow_run_id in told
    assert "promoted: it passes every gate" in told
    with pytest.raises(
        TrainingError, match=r"version 1 of acme has no model card; materialize acme/model_card"
    ):
        read_card(client, "acme", 1, ending="pdf")
