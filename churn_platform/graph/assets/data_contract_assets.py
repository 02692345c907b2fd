"""Data contracts as blocking asset checks on the raw tables, and a warning where features look back
on a gap.
"""

from functools import partial

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetKey,
    MetadataValue,
    asset_check,
)

from churn_platform.data_contract.look_back import look_back_months, missing_before
from churn_platform.data_contract.profile_tables import check_month, what_next
from churn_platform.graph.partitions import WAREHOUSE_POOL, months_of_check
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.ingest.load import raw_table
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio, Table
from churn_platform.warehouse.tables import made_months


def data_contract_checks(portfolio: Portfolio) -> list[AssetChecksDefinition]:
    """One check per landed table that every month must bring; what is optional may come or not."""
    # Features of events look back on earlier months, those of a snapshot do not. Checks have no
    # partitions: Dagster keeps no result by month of a run over several months, and would show each
    # month's check as skipped.
    checks = []
    for table in portfolio.landed_tables:
        if not table.optional:
            checks.append(_contract_check(portfolio, table))

    if portfolio.kind != "snapshot":
        checks.append(_look_back_check(portfolio))

    return checks


def _contract_check(portfolio: Portfolio, table: Table) -> AssetChecksDefinition:
    @asset_check(
        asset=AssetKey([portfolio.raw_schema, table.name]),
        # A blocking check knows no months, so one broken month stops a range as a whole. Months
        # that land one by one are runs of their own.
        blocking=True,
        pool=WAREHOUSE_POOL,
        description=(
            "Volume, gaps, levels, magnitudes and days of a month are plausible beside the months "
            "before."
        ),
    )
    def keeps_data_contract(
        context: AssetCheckExecutionContext, warehouse: Warehouse
    ) -> AssetCheckResult:
        wrong = []
        with warehouse.get_connection() as connection:
            made = partial(made_months, connection, raw_table(portfolio, table))
            for month in months_of_check(context, made):
                for words in check_month(connection, warehouse.lake, portfolio, table, month):
                    wrong.append(f"{label(month)}: {words}")

        if not wrong:
            return AssetCheckResult(passed=True)

        lines = []
        for words in wrong:
            context.log.error(words)
            lines.append(f"- {words}")

        listed = MetadataValue.md("\n".join(lines))
        told = f"{'; '.join(wrong)}. {what_next()}"
        return AssetCheckResult(
            passed=False,
            description=told,
            metadata={"complaints": listed},
        )

    return keeps_data_contract


def _look_back_check(portfolio: Portfolio) -> AssetChecksDefinition:
    look_back = look_back_months(portfolio)

    @asset_check(
        asset=AssetKey([portfolio.name, "customer_features"]),
        description=(
            f"None of the {look_back} months before is missing; sums over them would be too low."
        ),
    )
    def looks_back_without_gap(
        context: AssetCheckExecutionContext, warehouse: Warehouse
    ) -> AssetCheckResult:
        with warehouse.get_connection(read_only=True) as connection:
            made = made_months(connection, f"{portfolio.name}.customer_features")

        gaps = []
        for month in months_of_check(context, lambda: made):
            missing = missing_before(month, made, look_back)
            if missing:
                gaps.append(f"{label(month)} without {', '.join(map(label, missing))}")

        if not gaps:
            return AssetCheckResult(passed=True)

        listed = "; ".join(gaps)
        told = f"features of {listed}: what they sum over months is too low until those are run"
        context.log.warning(told)
        return AssetCheckResult(
            passed=False,
            severity=AssetCheckSeverity.WARN,
            description=told,
        )

    return looks_back_without_gap
