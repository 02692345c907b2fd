"""Publication as assets: the champion's bundle and a month of online features."""

from dagster import (
    AllPartitionMapping,
    AssetDep,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    asset,
)

from churn_platform.months import label, parse_month
from churn_platform.partitions import monthly_asset, months_of
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.contract import features_dir, model_dir, read_live
from churn_platform.published.features_bundle import publish_features
from churn_platform.published.files import go_live
from churn_platform.published.model_bundle import publish_model
from churn_platform.published.rows import packed_customers, scored_by
from churn_platform.scoring.champion import champion_record, load_champion
from churn_platform.settings import Settings
from churn_platform.training.data import load_splits, read_training_set
from churn_platform.training.splits import HOLDOUT
from churn_platform.training.tracking import Tracking
from churn_platform.warehouse.resource import Warehouse

PARITY_ROWS = 20_000


def published_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """The assets that write what serving reads."""
    return [_published_model(portfolio, settings), _published_features(portfolio, settings)]


def _published_model(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    root = settings.published_dir / portfolio.name

    @asset(
        **monthly_asset(portfolio.name, "published_model", f"{portfolio.name}_training", settings.first_month),
        deps=[AssetKey([portfolio.name, "champion"])],
        kinds={"onnx"},
        description="The champion's ONNX bundle, checked against the native model, and named live.",
    )
    def published_model(context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking) -> MaterializeResult:
        client = tracking.client()
        champion, record = load_champion(client, portfolio), champion_record(client, portfolio)
        with warehouse.get_connection(read_only=True) as connection:
            training_set = read_training_set(connection, portfolio, parse_month(record.month))
            (holdout,) = load_splits(connection, portfolio, training_set, HOLDOUT)
        sample = champion.model.own(holdout.features, portfolio.feature_names)[:PARITY_ROWS]
        difference = publish_model(root, champion.version, champion.model, record, sample)
        go_live(root, portfolio.name, champion=champion.version)
        context.log.info(f"version {champion.version} is live; ONNX differs by at most {difference:.1e}")
        return MaterializeResult(
            metadata={
                "model_version": champion.version,
                "parity_difference": difference,
                "folder": MetadataValue.path(str(model_dir(root, champion.version))),
            }
        )

    return published_model


def _published_features(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    root = settings.published_dir / portfolio.name

    @asset(
        **monthly_asset(portfolio.name, "published_features", f"{portfolio.name}_scores", settings.first_month),
        deps=[
            AssetKey([portfolio.name, "monthly_scores"]),
            AssetDep(AssetKey([portfolio.name, "published_model"]), partition_mapping=AllPartitionMapping()),
        ],
        kinds={"lmdb"},
        description="Features, score and reasons of every customer for look-ups in microseconds; the newest is live.",
    )
    def published_features(context: AssetExecutionContext, warehouse: Warehouse) -> MaterializeResult:
        for month in months_of(context):
            with warehouse.get_connection(read_only=True) as connection:
                count = publish_features(
                    root,
                    portfolio=portfolio.name,
                    month=label(month),
                    features=portfolio.feature_names,
                    scored_by=scored_by(connection, portfolio, month),
                    customers=packed_customers(connection, portfolio, month, batch_rows=settings.scoring_batch_rows),
                )
            live = read_live(root)
            if live is None or label(month) >= (live.features_month or ""):
                go_live(root, portfolio.name, features_month=label(month))
            context.log.info(f"{label(month)}: {count:,} customers published")
        return MaterializeResult(
            metadata={"customers": count, "folder": MetadataValue.path(str(features_dir(root, label(month))))}
        )

    return published_features
