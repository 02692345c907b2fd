"""Every job of the graph: which assets a stage runs."""

from collections.abc import Iterable

from dagster import AssetKey, AssetSelection, define_asset_job
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from churn_platform.graph.assets.publication_assets import PAGE
from churn_platform.graph.groups import group_of
from churn_platform.graph.partitions import PLATFORM
from churn_platform.graph.pod_sizes import pod_size
from churn_platform.monitoring.monitoring_tables import MODEL_PERFORMANCE
from churn_platform.portfolios.spec import Portfolio

HOUSEKEEPING = "housekeeping"
TRAINING = "training"
STAGES = {
    "features": "landed files to features and matured labels",
    TRAINING: "labelled months to a promoted, published champion",
    "scores": "features to scores and published look-ups",
    "serving": "answers of the service, from its log to a table",
    "monitoring": "drift, performance and the decision to train again",
}


def jobs(portfolios: Iterable[Portfolio]) -> list[UnresolvedAssetJobDefinition]:
    """Per portfolio a job for each stage, and `<portfolio>_month` for all of them; `housekeeping`
    for no portfolio.
    """
    made: list[UnresolvedAssetJobDefinition] = []
    for portfolio in portfolios:
        made += _portfolio_jobs(portfolio)

    upkeep = define_asset_job(
        HOUSEKEEPING,
        AssetSelection.groups(PLATFORM),
        description="Removes what only the past needs; adds up costs; shows the audit trail.",
    )
    made.append(upkeep)
    return made


def _portfolio_jobs(portfolio: Portfolio) -> list[UnresolvedAssetJobDefinition]:
    stages: dict[str, AssetSelection] = {}
    for stage in STAGES:
        stages[stage] = AssetSelection.groups(*groups_of(portfolio.name, stage))

    # A list is not handed over while outcomes show that its model is broken. So the outcomes are
    # measured first, though the table belongs to monitoring.
    stages["scores"] |= AssetSelection.assets(AssetKey([portfolio.name, MODEL_PERFORMANCE]))
    # A command may have changed the champion since the last training; who scores is told as it is.
    stages["scores"] |= AssetSelection.assets(AssetKey([portfolio.name, "champion_history"]))
    # The page shows what is monitored as well: it is published again with the month's decision.
    stages["monitoring"] |= AssetSelection.assets(AssetKey([portfolio.name, PAGE]))

    by_stage = []
    for stage, selection in stages.items():
        by_stage.append(
            define_asset_job(
                f"{portfolio.name}_{stage}",
                selection,
                description=f"{portfolio.title}: {STAGES[stage]}.",
                tags=pod_size(stage),
            )
        )

    # Without `serving`: what the service logged is ingested for all months at once, at any time.
    everything = stages["features"] | stages["training"] | stages["scores"] | stages["monitoring"]
    month = define_asset_job(
        f"{portfolio.name}_month",
        everything,
        description=f"{portfolio.title}: a month from end to end.",
        tags=pod_size("month"),
    )
    return [*by_stage, month]


def groups_of(portfolio: str, stage: str) -> list[str]:
    """The asset groups of a stage."""
    groups = {"features": ["raw", "staging", "features"]}.get(stage, [stage])
    return [group_of(portfolio, group) for group in groups]
