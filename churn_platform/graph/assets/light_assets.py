"""Lights as asset checks: what a month shows at a glance, beside the asset that it is about."""

from datetime import date
from functools import partial

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetKey,
    asset_check,
)

from churn_platform.graph.partitions import WAREHOUSE_POOL, months_of_check
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.monitoring.decision import QUIET, SEVERE
from churn_platform.monitoring.lights import CHECKS, Light, LightCheck
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.tables import made_months


def light_checks(portfolio: Portfolio) -> list[AssetChecksDefinition]:
    """One check per table that has a light. None stops a run: what must not go on is stopped by the
    data contract and the gates.

    Checks have no partitions, as those of the data contract: a run over several months shows its
    worst month.
    """
    return [_light_check(portfolio, check) for check in CHECKS]


def _light_check(portfolio: Portfolio, check: LightCheck) -> AssetChecksDefinition:
    @asset_check(
        asset=AssetKey([portfolio.name, check.asset]),
        name=check.name,
        pool=WAREHOUSE_POOL,
        description=check.description,
    )
    def light(context: AssetCheckExecutionContext, warehouse: Warehouse) -> AssetCheckResult:
        with warehouse.get_connection(read_only=True) as connection:
            made = partial(made_months, connection, f"{portfolio.name}.{check.table}")
            found: dict[date, Light] = {}
            for month in months_of_check(context, made):
                seen = check.see(connection, portfolio, month)
                if seen:
                    found[month] = seen

        return _result(found)

    return light


def _result(found: dict[date, Light]) -> AssetCheckResult:
    """The worst month, the newest of several."""
    if not found:
        return AssetCheckResult(passed=True, description="nothing to judge yet")

    month = max(found, key=lambda each: (found[each].level, each))
    worst = found[month]
    return AssetCheckResult(
        passed=worst.level == QUIET,
        severity=AssetCheckSeverity.ERROR if worst.level == SEVERE else AssetCheckSeverity.WARN,
        description=f"{label(month)}: {worst.words}",
        metadata=worst.figures,
    )
