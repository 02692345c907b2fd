"""Monthly scores as an asset."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MetadataValue,
    asset,
)
from dagster import MaterializeResult as Materialized

from churn_platform.data_contract.profile_tables import require_sound
from churn_platform.graph.groups import group_of
from churn_platform.graph.metadata import MONTH_ROWS, table_metadata
from churn_platform.graph.partitions import describe, monthly_table, months_of
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.scoring.champion_model import load_champion
from churn_platform.scoring.score import replace_scores, score_figures, score_month
from churn_platform.settings import Settings
from churn_platform.warehouse.preview import preview
from churn_platform.warehouse.tables import write

PREVIEWED = ("customer_id", "churn_probability", "risk_tier", "decile", "reasons", "model_version")
BY_RISK = "churn_probability desc, customer_id"


def scoring_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """The asset that scores every customer of a month with the champion there is."""
    table = f"{portfolio.name}.monthly_scores"

    @asset(
        **monthly_table(
            portfolio.name,
            "monthly_scores",
            group_of(portfolio.name, "scores"),
            settings.first_month,
        ),
        deps=[
            AssetKey([portfolio.name, "customer_features"]),
            AssetKey([portfolio.name, "champion_history"]),
        ],
        description=(
            "One row per customer and month: probability, tier, decile, reasons "
            "and the model's version."
        ),
    )
    def monthly_scores(
        context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking
    ) -> Materialized:
        with ThreadPoolExecutor(1) as beside, warehouse.get_connection() as connection:
            # MLflow takes seconds to start, on one core; meanwhile the first features are read
            champion = beside.submit(lambda: load_champion(tracking.client(), portfolio)).result
            # Scores may be asked for long after a month's contract was broken and its features were
            # made.
            require_sound(connection, portfolio, months_of(context))
            for month in months_of(context):
                scores = score_month(
                    connection,
                    portfolio,
                    champion,
                    month,
                    batch_rows=settings.scoring_batch_rows,
                    threads=settings.model_threads,
                )
                replace = partial(replace_scores, connection, portfolio, month, scores)
                rows = write(
                    connection,
                    warehouse.lake,
                    replace,
                    note=f"{portfolio.name} scores of {label(month)}",
                )
                context.log.info(
                    f"{label(month)}: {rows:,} customers scored by version {champion().version}"
                )
                shown = {
                    MONTH_ROWS: rows,
                    "customers": rows,
                    "model_version": champion().version,
                    **score_figures(connection, portfolio, month, champion().tiers),
                    "preview": MetadataValue.md(
                        preview(connection, table, month, PREVIEWED, order=BY_RISK)
                    ),
                }
                describe(context, month, shown)

            whole = table_metadata(connection, table)

        return Materialized(metadata=whole)

    return [monthly_scores]
