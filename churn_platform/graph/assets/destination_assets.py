"""Results that go back to an operator's own systems, an asset for each destination."""

from typing import Final

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    asset,
)

from churn_platform.destinations.deliver import deliver
from churn_platform.destinations.result_rows import result_rows
from churn_platform.graph.groups import group_of
from churn_platform.graph.partitions import describe, monthly_asset, months_of
from churn_platform.graph.resources.audit_trail import AuditTrail
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.ingest.hashing import set_keys
from churn_platform.months import label
from churn_platform.portfolios.destinations import Destination
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings
from churn_platform.sources.open_source import Resources

ACTION: Final = "delivery"
STAGES = {"campaign_outcome": "monitoring"}  # all else belongs to the scores


def destination_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """One asset per destination of the spec."""
    return [_delivered(portfolio, each, settings) for each in portfolio.destinations]


def _delivered(
    portfolio: Portfolio, destination: Destination, settings: Settings
) -> AssetsDefinition:
    stage = STAGES.get(destination.result, "scores")
    shared = monthly_asset(
        portfolio.name,
        f"to_{destination.name}",
        group_of(portfolio.name, stage),
        settings.first_month,
    )

    @asset(
        **shared,
        deps=[AssetKey([portfolio.name, destination.result])],
        pool=f"source_{portfolio.name}_{destination.to or destination.name}",
        description=(
            f"Sends {destination.result} to {destination.place}, in place of what was there of the "
            "month; never a customer who was erased or refuses contacts."
        ),
    )
    def delivered(
        context: AssetExecutionContext, warehouse: Warehouse, audit: AuditTrail
    ) -> MaterializeResult:
        log = audit.log(context.run_id)
        resources = Resources.of(settings)
        for month in months_of(context):
            shown = label(month)
            # Closed again before anything is sent: a slow receiver would hold the lake.
            with warehouse.get_connection(read_only=True) as connection:
                set_keys(connection, settings.hash_key())
                rows = result_rows(connection, portfolio, destination.result, month)
            if rows is None:
                context.log.info(f"{shown}: the list is not handed over, nothing was sent")
                describe(context, month, {"state": "not handed over"})
                continue

            there = deliver(
                destination,
                portfolio,
                month,
                rows,
                resources=resources,
            )
            # After the delivery: a run that is killed between the two sends the month again, which
            # changes nothing there; the other way round the record would be of nothing.
            log.append(
                ACTION,
                portfolio=portfolio.name,
                subject=f"month {shown}",
                reason=f"{destination.result} to {destination.place}",
                details={"destination": destination.name, "rows": there},
            )
            context.log.info(f"{shown}: {there:,} rows to {destination.place}")
            describe(context, month, {"state": "sent", "rows": there})
        return MaterializeResult()

    return delivered
