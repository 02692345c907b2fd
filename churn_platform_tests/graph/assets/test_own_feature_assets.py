"""The check of an operator's own features in the graph."""

from contextlib import closing

import pytest
from dagster import AssetKey, DagsterInstance, asset, materialize

from churn_platform.graph.assets.own_feature_assets import own_feature_checks
from churn_platform.graph.partitions import monthly
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.portfolios.loader import load_recipe
from churn_platform.portfolios.spec import Feature, Portfolio
from churn_platform.warehouse.lake import Lake, connect
from churn_platform_tests.support.tiny import JANUARY

RECIPE = load_recipe("telecomit")
ONES = Feature(
    name="ones", type="integer", group="own", description="One.", reason="{value}", own=True
)
RIGHT = "select customer_id, 1 as ones from {{ ref('customer_months') }}"
# February's rows are read, too.
WRONG = "select customer_id, count(*) as ones from {{ ref('customer_months').render() }} group by 1"


def with_own(sql: str) -> Portfolio:
    """Telecomit with one feature of its own."""
    update = {"features": (*RECIPE.features, ONES), "own_sql": {"ones": sql}}
    return RECIPE.model_copy(update=update)


def test_a_portfolio_without_own_features_has_no_check():
    """Nor its cost."""
    assert own_feature_checks(RECIPE) == []


@pytest.mark.parametrize(("sql", "passed"), [(RIGHT, True), (WRONG, False)])
def test_the_check_is_of_the_month_that_was_built(lake: Lake, sql: str, passed: bool):
    """A feature that knows what comes later fails it, and with it what is downstream."""
    with closing(connect(lake)) as connection:
        connection.execute("create schema telecomit")
        connection.execute(
            "create table telecomit.customer_months as "
            f"select 'ada' as customer_id, date '{JANUARY}' as month"
        )

    @asset(key=AssetKey(["telecomit", "customer_features"]), partitions_def=monthly(JANUARY))
    def customer_features() -> None:
        """As if dbt had made it."""

    checks = own_feature_checks(with_own(sql))
    with DagsterInstance.ephemeral() as instance:
        ended = materialize(
            [customer_features, *checks],  # type: ignore[list-item]
            partition_key=JANUARY.isoformat(),
            instance=instance,
            resources={"warehouse": Warehouse.of(lake)},
            raise_on_error=False,
        )
    (found,) = ended.get_asset_check_evaluations()
    assert found.passed is passed
