"""Each column of each table is described."""

import pytest
from dagster import AssetKey, AssetsDefinition, AssetSpec

from churn_platform.graph.assets.campaign_assets import campaign_assets
from churn_platform.graph.assets.costs_assets import cost_assets
from churn_platform.graph.assets.governance_assets import governance_assets
from churn_platform.graph.assets.ingest_assets import raw_assets, snapshot_assets
from churn_platform.graph.assets.monitoring_assets import monitoring_assets
from churn_platform.graph.assets.promotion_assets import evaluation_assets
from churn_platform.graph.assets.scoring_assets import scoring_assets
from churn_platform.graph.assets.serving_log_assets import serving_log_assets
from churn_platform.graph.assets.training_assets import training_assets
from churn_platform.graph.column_words import column_schemas, describe_column, platform_schemas
from churn_platform.graph.metadata import COLUMN_SCHEMA, with_columns
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import load_settings


@pytest.fixture(scope="module", params=["telecomit", "ibm_telco"])
def portfolio(request: pytest.FixtureRequest, tmp_path_factory) -> Portfolio:
    """A portfolio that ships."""
    return load_portfolios(tmp_path_factory.mktemp("none"))[request.param]


def tables(portfolio: Portfolio) -> list[AssetsDefinition]:
    """Every asset that is a table of the lake, but for those of dbt."""
    settings = load_settings()
    features = snapshot_assets(portfolio, settings) if portfolio.kind == "snapshot" else []
    assets = [
        *features,
        *raw_assets(portfolio, settings),
        *training_assets(portfolio, settings),
        *governance_assets(portfolio, settings),
        *evaluation_assets(portfolio, settings),
        *scoring_assets(portfolio, settings),
        *serving_log_assets(portfolio, settings),
        *campaign_assets(portfolio, settings),
        *monitoring_assets(portfolio, settings),
        *cost_assets(settings),
    ]
    return [asset for asset in assets if "table" in _spec(asset).kinds]


def _spec(asset: AssetsDefinition) -> AssetSpec:
    (spec,) = asset.specs
    return spec


def test_every_table_has_described_columns(portfolio: Portfolio):
    """The UI shows them before a first run."""
    schemas = column_schemas(portfolio) | platform_schemas()
    found = [_spec(asset) for asset in with_columns(tables(portfolio), schemas)]
    assert len(found) > 15
    assert [spec.key for spec in found if COLUMN_SCHEMA not in spec.metadata] == []
    silent = []
    for spec in found:
        for column in spec.metadata[COLUMN_SCHEMA].columns:
            if not column.description:
                silent.append(f"{spec.key.path[-1]}.{column.name}")
    assert silent == []


def test_what_is_no_table_is_left_alone(portfolio: Portfolio):
    """A model has no columns."""
    (challenger,) = with_columns(
        [training_assets(portfolio, load_settings())[-1]], column_schemas(portfolio)
    )
    assert _spec(challenger).key == AssetKey([portfolio.name, "challenger"])
    assert COLUMN_SCHEMA not in _spec(challenger).metadata


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("model_performance", "recall_low", "Share of churners at or above the threshold, lower"),
        ("serving_log", "segment", "File of the prediction log"),
        ("model_performance", "segment", "Attribute that the customers are cut by"),
        ("evaluation", "unheard_of", ""),
    ],
)
def test_a_column_is_described_by_its_own_table_first(table: str, column: str, words: str):
    """Then by its name; a bound by its metric."""
    assert describe_column(table, column).startswith(words)
