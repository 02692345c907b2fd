"""Dagster's entry: collects assets, jobs and resources of every portfolio; holds no logic."""

import warnings
from collections.abc import Mapping

from dagster import (
    AssetsDefinition,
    BetaWarning,
    Definitions,
    JobDefinition,
    definitions,
)

from churn_platform.graph.asset_labels import labelled
from churn_platform.graph.assets.audit_assets import audit_assets
from churn_platform.graph.assets.campaign_assets import campaign_assets
from churn_platform.graph.assets.costs_assets import cost_assets
from churn_platform.graph.assets.data_contract_assets import data_contract_checks
from churn_platform.graph.assets.destination_assets import destination_assets
from churn_platform.graph.assets.experiment_assets import experiment_assets
from churn_platform.graph.assets.governance_assets import governance_assets
from churn_platform.graph.assets.housekeeping_assets import housekeeping_assets
from churn_platform.graph.assets.ingest_assets import raw_assets, snapshot_assets
from churn_platform.graph.assets.light_assets import light_checks
from churn_platform.graph.assets.monitoring_assets import monitoring_assets
from churn_platform.graph.assets.own_feature_assets import own_feature_checks
from churn_platform.graph.assets.promotion_assets import evaluation_assets
from churn_platform.graph.assets.publication_assets import published_assets
from churn_platform.graph.assets.risk_webhook_assets import risk_webhook_assets
from churn_platform.graph.assets.scoring_assets import scoring_assets
from churn_platform.graph.assets.serving_log_assets import serving_log_assets
from churn_platform.graph.assets.source_assets import source_assets
from churn_platform.graph.assets.training_assets import training_assets
from churn_platform.graph.automation import automate
from churn_platform.graph.column_words import column_schemas, platform_schemas
from churn_platform.graph.dbt import feature_assets
from churn_platform.graph.executors import executor_of
from churn_platform.graph.failure_advice import advised
from churn_platform.graph.freshness import with_freshness
from churn_platform.graph.metadata import with_columns
from churn_platform.graph.partitions import PLATFORM
from churn_platform.graph.progress import PROGRESS, progress_logger
from churn_platform.graph.resources.audit_trail import AuditTrail
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.graph.step_sizes import sized
from churn_platform.graph.step_usage import metered
from churn_platform.portfolios.chosen_candidates import with_candidates
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings, load_settings
from churn_platform.warehouse.lake import Lake


def build_defs(**overrides: object) -> Definitions:
    """The whole graph; `overrides` are settings that take precedence over the environment."""
    warnings.filterwarnings(
        "ignore", category=BetaWarning
    )  # backfill policies and mappings, each pinned by a test
    settings = load_settings(**overrides)
    known = load_portfolios(settings.portfolios_dir)
    portfolios = {}
    for name, portfolio in with_data(known, settings).items():
        portfolios[name] = with_candidates(portfolio, settings.candidates)

    assets = []
    for portfolio in portfolios.values():
        assets += portfolio_assets(portfolio, settings)

    platform = [
        *housekeeping_assets(list(known), settings),
        *cost_assets(settings),
        *audit_assets(list(known), settings),
    ]
    upkeep = sized(labelled(platform), settings)
    path = settings.costs_path
    checks = []
    schemas = platform_schemas()
    for portfolio in portfolios.values():
        schemas |= column_schemas(portfolio)
        checks += [
            *data_contract_checks(portfolio),
            *own_feature_checks(portfolio),
            *light_checks(portfolio),
        ]

    automation = automate(portfolios.values(), settings)
    return Definitions(
        assets=advised(
            [
                *with_columns(with_freshness(assets), schemas),
                *with_columns(metered(upkeep, PLATFORM, path), schemas),
            ],
            settings,
        ),
        asset_checks=checks,
        jobs=automation.jobs,
        sensors=automation.sensors,
        schedules=automation.schedules,
        executor=executor_of(settings),
        loggers={PROGRESS: progress_logger},
        resources={
            "warehouse": Warehouse.of(Lake.of(settings)),
            "tracking": Tracking.for_graph(settings),
            "audit": AuditTrail(path=str(settings.audit_path), store=settings.store),
        },
    )


def with_data(portfolios: Mapping[str, Portfolio], settings: Settings) -> dict[str, Portfolio]:
    """The portfolios of which something has landed or was published, or that are read from sources;
    all while there is none.
    """
    # Of the others each asset would be missing and each job fail.
    with_data = {}
    for name, portfolio in portfolios.items():
        landed = settings.landing_dir / name
        published = settings.published_dir / name
        if portfolio.read_tables or landed.is_dir() or published.is_dir():
            with_data[name] = portfolio

    return with_data or dict(portfolios)


def portfolio_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """Every asset of a portfolio; the features of event tables are made by dbt."""
    if portfolio.kind == "snapshot":
        features = snapshot_assets(portfolio, settings)
    else:
        features = [feature_assets(portfolio, settings)]
    assets = [
        *source_assets(portfolio, settings),
        *raw_assets(portfolio, settings),
        *features,
        *training_assets(portfolio, settings),
        *governance_assets(portfolio, settings),
        *evaluation_assets(portfolio, settings),
        *scoring_assets(portfolio, settings),
        *published_assets(portfolio, settings),
        *serving_log_assets(portfolio, settings),
        *experiment_assets(portfolio, settings),
        *campaign_assets(portfolio, settings),
        *monitoring_assets(portfolio, settings),
        *risk_webhook_assets(portfolio, settings),
        *destination_assets(portfolio, settings),
    ]
    made = sized(labelled(assets), settings)
    return metered(made, portfolio.name, settings.costs_path)


def job_of(name: str, **overrides: object) -> JobDefinition:
    """A job of the graph, as the process of a step builds it (`graph/runs.py`)."""
    return build_defs(**overrides).resolve_job_def(name)


@definitions
def defs() -> Definitions:
    """The graph as Dagster's processes load it."""
    return build_defs()
