"""dbt builds a portfolio beside telecomit, in schemas of its own and of the tables that it has."""

from collections.abc import Callable

import pytest

from churn_platform_tests.support.event_portfolios import WITHOUT_APP
from churn_platform_tests.support.literal_world import ADA_IN_FEBRUARY, FEB, JAN, MAR, ROWS
from churn_platform_tests.support.tiny_lake import TinyLake

NewLake = Callable[..., TinyLake]


@pytest.fixture(scope="module")
def acme(new_lake: NewLake) -> TinyLake:
    """The literal world without the app's table, of an operator called acme; February is built."""
    lake = new_lake(WITHOUT_APP)
    lake.add({name: rows for name, rows in ROWS.items() if name != "app_usage"})
    lake.build_all(JAN, MAR)
    return lake


def test_it_has_tables_and_views_of_its_own(acme):
    """By the portfolio's name, and none of the table that it does not have."""
    found = acme.rows(
        "select table_schema || '.' || table_name as name from information_schema.tables "
        "where table_schema in ('acme', 'acme_staging')"
    )
    names = {row["name"] for row in found}
    assert {"acme.customer_features", "acme.churn_labels", "acme_staging.stg_cdr"} <= names
    assert not {name for name in names if "app" in name.partition(".")[2]}


def test_its_features_are_those_of_the_recipe(acme):
    """In the order of its own catalogue, which leaves out what the app would tell."""
    (ada,) = acme.rows(
        "select * exclude (customer_id, month) from acme.customer_features "
        f"where customer_id = 'ada' and month = date '{FEB}'"
    )
    assert list(ada) == WITHOUT_APP.feature_names
    # Those that look at February alone: the months before January are not built here.
    for name in ("calls_count_30d", "support_tickets_90d", "contract_type", "tenure_days"):
        assert ada[name] == ADA_IN_FEBRUARY[name]
