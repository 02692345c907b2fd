"""Data contracts as blocking asset checks on the raw tables."""

from datetime import date

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetKey,
    MetadataValue,
    asset_check,
)

from churn_platform.data_contract.tables import check_month, what_next
from churn_platform.months import label, month_range, parse_month
from churn_platform.partitions import WAREHOUSE_POOL, monthly
from churn_platform.portfolios.spec import Portfolio, Table
from churn_platform.settings import Settings
from churn_platform.warehouse.resource import Warehouse

DATA_CONTRACT_CHECK = "keeps_data_contract"


def data_contract_checks(portfolio: Portfolio, settings: Settings) -> list[AssetChecksDefinition]:
    """One check per landed table that every month must bring; what is optional may come or not."""
    return [_contract_check(portfolio, table, settings) for table in portfolio.landed_tables if not table.optional]


def _contract_check(portfolio: Portfolio, table: Table, settings: Settings) -> AssetChecksDefinition:
    @asset_check(
        asset=AssetKey([portfolio.raw_schema, table.name]),
        name=DATA_CONTRACT_CHECK,
        blocking=True,
        partitions_def=monthly(settings.first_month),
        pool=WAREHOUSE_POOL,
        description="Volume, gaps, levels, magnitudes and days of a month are plausible beside the months before.",
    )
    def keeps_data_contract(context: AssetCheckExecutionContext, warehouse: Warehouse) -> AssetCheckResult:
        keys = context.partition_key_range
        found: dict[date, list[str]] = {}
        with warehouse.get_connection() as connection:
            for month in month_range(parse_month(keys.start), parse_month(keys.end)):
                found[month] = check_month(connection, warehouse.lake, portfolio, table, month)
        wrong = [f"{label(month)}: {words}" for month, complaints in found.items() for words in complaints]
        for words in wrong:
            context.log.error(words)
        if not wrong:
            return AssetCheckResult(passed=True)
        listed = MetadataValue.md("\n".join(f"- {words}" for words in wrong))
        told = f"{'; '.join(wrong)}. {what_next()}"
        return AssetCheckResult(passed=False, description=told, metadata={"complaints": listed})

    return keeps_data_contract
