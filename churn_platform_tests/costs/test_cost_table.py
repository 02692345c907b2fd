"""A month's cost as rows of the warehouse, at the prices that are set."""

from contextlib import closing

from churn_platform.costs.cost_table import prices_of, replace_cost
from churn_platform.costs.price import Item, MonthCost
from churn_platform.settings import load_settings
from churn_platform.warehouse.lake import connect
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY


def cost(month, *items: Item) -> MonthCost:
    """The cost of a month of one run."""
    return MonthCost(month, 1, 2, 0, items, 1_000.0)


def test_each_price_is_its_own_setting(tmp_path):
    """No price is taken for another."""
    settings = load_settings(
        data_dir=tmp_path,
        cost_cpu_hour_eur=1.0,
        cost_gb_hour_eur=2.0,
        cost_gb_month_eur=3.0,
        cost_standing_month_eur=4.0,
        cost_budget_year_eur=5.0,
    )
    prices = prices_of(settings)
    assert (prices.cpu_hour_eur, prices.gb_hour_eur, prices.gb_month_eur) == (1.0, 2.0, 3.0)
    assert (prices.standing_month_eur, prices.budget_year_eur) == (4.0, 5.0)


def test_a_month_is_billed_once(lake):
    """Its items are replaced, those of another month stay, and a cost is quantity times price."""
    cpu, storage = Item("cpu", 3.0, "hours", 0.5), Item("storage", 2.0, "GB", 0.25)
    with closing(connect(lake)) as connection:
        replace_cost(connection, cost(JANUARY, cpu))
        replace_cost(connection, cost(FEBRUARY, cpu))
        assert replace_cost(connection, cost(FEBRUARY, storage, cpu)) == 2
        rows = connection.execute(
            "select month, item, cost_eur from platform.infrastructure_cost order by month, item"
        ).fetchall()
    assert rows == [
        (JANUARY, "cpu", 1.5),
        (FEBRUARY, "cpu", 1.5),
        (FEBRUARY, "storage", 0.5),
    ]
