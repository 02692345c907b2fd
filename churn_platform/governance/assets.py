"""Fairness, explanations and model card of a month's challenger as assets."""

from dataclasses import asdict
from functools import partial

from dagster import AssetExecutionContext, AssetKey, AssetsDefinition, MaterializeResult, MetadataValue, asset

from churn_platform.governance.examined import examine
from churn_platform.governance.fairness import measure_fairness, worst_gap
from churn_platform.governance.tables import replace_fairness
from churn_platform.governance.text import fairness_markdown
from churn_platform.months import label
from churn_platform.partitions import WAREHOUSE_POOL, monthly_asset, months_of
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings
from churn_platform.training.tracking import Tracking
from churn_platform.warehouse.resource import Warehouse
from churn_platform.warehouse.tables import write

FAIRNESS_FILE, FAIRNESS_PAGE = "fairness.json", "fairness.md"


def governance_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """The assets that say what a challenger is like."""
    return [_fairness_report(portfolio, settings)]


def _fairness_report(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    @asset(
        **monthly_asset(portfolio.name, "fairness_report", f"{portfolio.name}_training", settings.first_month),
        deps=[AssetKey([portfolio.name, "challenger"])],
        pool=WAREHOUSE_POOL,
        kinds={"duckdb", "table"},
        description="One row per month, protected attribute and group: the challenger's rates on the hold-out.",
    )
    def fairness_report(context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking) -> MaterializeResult:
        client = tracking.client()
        for month in months_of(context):
            with warehouse.get_connection(read_only=True) as connection:
                examined = examine(client, connection, portfolio, month)
            attributes = measure_fairness(
                examined.protected_groups,
                examined.holdout.churned,
                examined.probability,
                threshold=examined.record.threshold,
                gates=portfolio.gates,
                seed=portfolio.split.seed,
            )
            page = fairness_markdown(attributes, portfolio.gates)
            run_id = examined.record.mlflow_run_id
            client.log_dict(run_id, {"attributes": [asdict(it) for it in attributes]}, FAIRNESS_FILE)
            client.log_text(run_id, page, FAIRNESS_PAGE)
            with warehouse.get_connection() as connection:
                write(connection, warehouse.lake, partial(replace_fairness, connection, examined, attributes))
            context.log.info(f"{label(month)}: equalized-odds difference {worst_gap(attributes)}")
        gap = worst_gap(attributes)
        return MaterializeResult(
            metadata={
                "fairness": MetadataValue.md(page),
                "equalized_odds_difference": "not defined" if gap is None else gap,
                "model_version": examined.version,
            }
        )

    return fairness_report
