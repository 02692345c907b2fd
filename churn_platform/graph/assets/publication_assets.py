"""Publication as assets: the champion's bundle, a month of online features, and what the page reads
of a month.
"""

from collections.abc import Sequence
from datetime import date

import duckdb
from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    asset,
)

from churn_platform.bundles.customer_rows import packed_customers, scored_by, scoring_versions
from churn_platform.bundles.features_bundle import publish_features
from churn_platform.bundles.shared_portfolio import shared_portfolio
from churn_platform.data_contract.profile_tables import require_sound
from churn_platform.graph.groups import group_of
from churn_platform.graph.partitions import describe, monthly_asset, months_of
from churn_platform.graph.resources.audit_trail import AuditTrail, head_metadata
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.promotion.publication import Publisher, publish_champion, record_features
from churn_platform.published.format import features_dir, model_dir, read_features_manifest
from churn_platform.published.live_file import go_live
from churn_platform.published.page_bundle import page_dir
from churn_platform.read_model.publish import publish_page
from churn_platform.settings import Settings

PAGE = "published_page"


def published_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """The assets that write what serving reads."""
    return [
        _published_model(portfolio, settings),
        _published_features(portfolio, settings),
        _published_page(portfolio, settings),
    ]


def _published_model(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    root = settings.published_dir / portfolio.name

    # Without months: it publishes the champion of the day, whichever month trained it.
    @asset(
        key=AssetKey([portfolio.name, "published_model"]),
        group_name=group_of(portfolio.name, "training"),
        deps=[AssetKey([portfolio.name, "champion"]), AssetKey([portfolio.name, "model_card"])],
        kinds={"onnx"},
        description="The champion's ONNX bundle, checked against the native model, and named live.",
    )
    def published_model(
        context: AssetExecutionContext, tracking: Tracking, audit: AuditTrail
    ) -> MaterializeResult:
        log = audit.log(context.run_id)
        publisher = Publisher.of(settings, portfolio, client=tracking.client(), audit=log)
        bundle = publish_champion(publisher, reason=f"run {context.run_id}")
        version, difference = bundle.manifest.version, bundle.parity_difference
        context.log.info(f"version {version} is live; ONNX differs by at most {difference:.1e}")
        return MaterializeResult(
            metadata={
                "model_version": version,
                "parity_difference": difference,
                "bundle_sha256": bundle.sha256,
                "folder": MetadataValue.path(str(model_dir(root, version))),
            }
            | head_metadata(log)
        )

    return published_model


def _published_features(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    root = settings.published_dir / portfolio.name

    @asset(
        **monthly_asset(
            portfolio.name,
            "published_features",
            group_of(portfolio.name, "scores"),
            settings.first_month,
        ),
        deps=[
            AssetKey([portfolio.name, "monthly_scores"]),
            AssetKey([portfolio.name, "published_model"]),
        ],
        kinds={"lmdb"},
        description=(
            "Features, score and reasons of every customer for look-ups in microseconds; "
            "the newest is live."
        ),
    )
    def published_features(
        context: AssetExecutionContext, warehouse: Warehouse, audit: AuditTrail
    ) -> MaterializeResult:
        log = audit.log(context.run_id)
        with warehouse.get_connection(read_only=True) as connection:
            require_sound(connection, portfolio, months_of(context))

        for month in months_of(context):
            with warehouse.get_connection(read_only=True) as connection:
                version = scored_by(connection, portfolio, month)
                count = publish_features(
                    root,
                    portfolio=portfolio.name,
                    month=label(month),
                    features=portfolio.feature_names,
                    scored_by=version,
                    customers=packed_customers(
                        connection,
                        portfolio,
                        month,
                        version,
                        batch_rows=settings.scoring_batch_rows,
                    ),
                )

            # On record before it is live, as every decision: the audit trail is a write-ahead log.
            record_features(log, read_features_manifest(features_dir(root, label(month))))
            shared = shared_portfolio(settings, portfolio.name)
            if shared is not None:
                shared.wrote(features_dir(root, label(month)))
            go_live(root, portfolio.name, features_month=label(month), shared=shared)
            context.log.info(f"{label(month)}: {count:,} customers published")
            folder = MetadataValue.path(str(features_dir(root, label(month))))
            describe(context, month, {"customers": count, "folder": folder} | head_metadata(log))

        return MaterializeResult()

    return published_features


def _published_page(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    root = settings.published_dir / portfolio.name
    shown_of = ("contact_decisions", "campaign_economics", "monthly_scores", "retraining_decision")

    @asset(
        **monthly_asset(
            portfolio.name,
            PAGE,
            group_of(portfolio.name, "scores"),
            settings.first_month,
        ),
        deps=[
            *(AssetKey([portfolio.name, name]) for name in shown_of),
            AssetKey([portfolio.name, "published_model"]),
        ],
        kinds={"parquet"},
        description=(
            "What the page shows of a month: scores, reasons, decisions, outcomes and monitoring; "
            "it needs neither lake nor MLflow."
        ),
    )
    def published_page(
        context: AssetExecutionContext, warehouse: Warehouse, audit: AuditTrail
    ) -> MaterializeResult:
        records = audit.log(context.run_id).records()
        with warehouse.get_connection(read_only=True) as connection:
            shown = _months_to_show(connection, portfolio, months_of(context))
            for month in shown:
                manifest = publish_page(connection, root, portfolio, month, records)
                context.log.info(f"{label(month)}: {manifest.customers:,} customers for the page")
                folder = MetadataValue.path(str(page_dir(root, label(month))))
                describe(context, month, {"customers": manifest.customers, "folder": folder})

        # What is live stays as it is; the pages of other hosts get the month with it.
        if shared := shared_portfolio(settings, portfolio.name):
            for month in shown:
                shared.wrote(page_dir(root, label(month)))
            go_live(root, portfolio.name, shared=shared)

        return MaterializeResult()

    return published_page


def _months_to_show(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, months: Sequence[date]
) -> Sequence[date]:
    """The months that have scores; all of them where none has, for the error that says so."""
    # Monitoring looks at more months than are scored: drift needs no scores, the page does.
    scored = [month for month in months if scoring_versions(connection, portfolio, month)]
    return scored or months
