"""What a month has cost, as an asset: one for the whole installation."""

from functools import partial

from dagster import AssetExecutionContext, AssetsDefinition, MaterializeResult, MetadataValue, asset

from churn_platform.costs.cost_table import cost_of, replace_cost
from churn_platform.costs.price import as_markdown, heaviest
from churn_platform.costs.usage import read_usage
from churn_platform.graph.partitions import PLATFORM, describe, monthly_table, months_of
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.months import label
from churn_platform.settings import Settings
from churn_platform.warehouse.tables import write


def cost_assets(settings: Settings) -> list[AssetsDefinition]:
    """The asset that adds up what the steps of a month have used."""

    @asset(
        **monthly_table(PLATFORM, "infrastructure_cost", PLATFORM, settings.first_month),
        description=(
            "One row per month and kind of cost: CPU, memory, storage and what always runs, in EUR."
        ),
    )
    def infrastructure_cost(
        context: AssetExecutionContext, warehouse: Warehouse
    ) -> MaterializeResult:
        # Read once for all months of the run: the file has a line for each step of every run.
        usage = list(read_usage(settings.costs_path))
        with warehouse.get_connection() as connection:
            for month in months_of(context):
                cost = cost_of(settings, month)
                replace = partial(replace_cost, connection, cost)
                write(connection, warehouse.lake, replace)
                context.log.info(f"{label(month)}: {cost.cost_eur:.2f} EUR")
                steps = heaviest(usage, cost.month)
                shown = {
                    "cost": MetadataValue.md(as_markdown(cost, steps)),
                    "month_eur": cost.cost_eur,
                    "year_eur": cost.year_eur,
                    "budget_share": cost.year_eur / cost.budget_year_eur,
                    "failed_steps": cost.failed_steps,
                }
                describe(context, month, shown)

        return MaterializeResult()

    return [infrastructure_cost]
