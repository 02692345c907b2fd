"""The tests of an operator's own features as a blocking check: nothing is trained or scored on one
that knows the future.
"""

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetKey,
    asset_check,
)

from churn_platform.graph.dbt_project import dbt_project_dir
from churn_platform.graph.partitions import months_of_check
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.months import label
from churn_platform.own_features.checks import SPINE, check_features
from churn_platform.portfolios.dbt_variables import calendar_and_label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.tables import made_months


def own_feature_checks(portfolio: Portfolio) -> list[AssetChecksDefinition]:
    """One check for all own features of a portfolio; none without any."""
    if not portfolio.own_sql:
        return []

    @asset_check(
        asset=AssetKey([portfolio.name, "customer_features"]),
        blocking=True,
        description=(
            "Own features have one row per customer, keep their range, and nothing that happens "
            "from as_of on moves them; tried on the newest month of the run."
        ),
    )
    def own_features_keep_their_rules(
        context: AssetCheckExecutionContext, warehouse: Warehouse
    ) -> AssetCheckResult:
        wrong = []
        with warehouse.get_connection(read_only=True) as connection:
            spine = f"{portfolio.name}.{SPINE}"
            months = months_of_check(context, lambda: made_months(connection, spine))
            month = months[-1]
            for found in check_features(
                connection,
                portfolio,
                month,
                project=dbt_project_dir(),
                variables=calendar_and_label(portfolio),
            ):
                wrong += [f"{found.feature}: {words}" for words in found.wrong]

        if not wrong:
            return AssetCheckResult(passed=True, metadata={"month": label(month)})
        again = f"churn features check {portfolio.name}"
        told = f"{label(month)}: {'; '.join(wrong)}. Try again: {again}"
        return AssetCheckResult(passed=False, description=told)

    return [own_features_keep_their_rules]
