"""The page's bundles as an asset: of the months of a run that have scores."""

from contextlib import closing
from pathlib import Path

import pytest
from dagster import AssetSelection, DagsterInstance, Definitions, define_asset_job

from churn_platform.errors import ChurnError
from churn_platform.graph.assets.publication_assets import PAGE, published_assets
from churn_platform.graph.resources.audit_trail import AuditTrail
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.graph.runs import run_job
from churn_platform.published.page_bundle import page_months
from churn_platform.settings import load_settings
from churn_platform.warehouse.lake import Lake, connect
from churn_platform_tests.read_model.test_publish import TINY, add_model, add_month
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, MARCH


@pytest.fixture
def published(tmp_path: Path, lake: Lake) -> tuple[Definitions, Path]:
    """The asset over a lake that has scores of January and none later, and where it writes."""
    settings = load_settings(data_dir=tmp_path / "data")
    root = settings.published_dir / TINY.name
    add_model(root)
    with closing(connect(lake)) as connection:
        add_month(connection)

    page = [asset for asset in published_assets(TINY, settings) if asset.key.path[-1] == PAGE]
    audit = AuditTrail(path=str(settings.audit_path))
    definitions = Definitions(
        assets=page,
        jobs=[define_asset_job("page", AssetSelection.assets(*page))],
        resources={"warehouse": Warehouse.of(lake), "audit": audit},
    )
    return definitions, root


def test_months_without_scores_are_passed_over(published, tmp_path):
    """`churn run` watches every month and scores the newest: the page has those with scores."""
    definitions, root = published
    with DagsterInstance.ephemeral() as instance:
        run_job(definitions, instance, "page", JANUARY, FEBRUARY, log=tmp_path / "log", show=print)

    assert [path.name for path in page_months(root)] == ["2025-01"]


def test_a_run_of_months_without_scores_is_refused(published, tmp_path):
    """Nothing to publish at all is an error, which says what to run."""
    definitions, root = published
    with (
        DagsterInstance.ephemeral() as instance,
        pytest.raises(ChurnError, match="materialize tiny/monthly_scores for it first"),
    ):
        run_job(definitions, instance, "page", FEBRUARY, MARCH, log=tmp_path / "log", show=print)

    assert page_months(root) == []
