"""dbt models of an operator's own features."""

import yaml

from churn_platform.graph.dbt_project import PROJECT_FILE, project_files
from churn_platform.own_features.models import model_sql
from churn_platform.portfolios.loader import load_recipe
from churn_platform.portfolios.spec import Feature, Portfolio

RECIPE = load_recipe("telecomit")
OWN = Feature(
    name="days_abroad",
    type="integer",
    group="own",
    description="Days abroad.",
    reason="{value:count day} abroad",
    range=(0, 31),
    own=True,
)
SQL = "select customer_id, 1 as days_abroad\nfrom {{ ref('customer_months') }};\n"


def with_own() -> Portfolio:
    """Telecomit with one feature, and one table, of its own."""
    loyalty = RECIPE.table("transactions").model_copy(update={"name": "loyalty"})
    return RECIPE.model_copy(
        update={
            "features": (*RECIPE.features, OWN),
            "own_sql": {"days_abroad": SQL},
            "tables": (*RECIPE.tables, loyalty),
        }
    )


def test_a_feature_becomes_a_model_with_its_month_and_type():
    """One month at a time, as the models of the recipe; a semicolon does not end it."""
    text = model_sql(OWN, SQL)
    assert "from {{ ref('customer_months') }}\n)" in text
    assert "{{ batch_month() }} as month" in text
    assert "cast(days_abroad as bigint) as days_abroad" in text


def test_a_project_without_own_features_is_the_recipe():
    """Nothing is added for them."""
    files = project_files(RECIPE)
    assert not [name for name in files if name.startswith("models/own/")]
    assert "own" not in yaml.safe_load(files[PROJECT_FILE])["models"]["churn_platform"]


def test_a_project_with_an_own_feature_builds_tests_and_joins_it():
    """Its grain and its range are dbt's tests; its further tables are staged."""
    files = project_files(with_own())
    project = yaml.safe_load(files[PROJECT_FILE])
    assert project["vars"]["own_features"] == ["days_abroad"]
    assert project["vars"]["features"][-1] == "days_abroad"
    assert project["models"]["churn_platform"]["own"]["+batch_size"] == "month"
    model, staged = yaml.safe_load(files["models/own/_own.yml"])["models"]
    assert model["columns"][0]["data_tests"] == [
        "not_null",
        {"within_range": {"arguments": {"low": 0, "high": 31}}},
    ]
    assert (staged["name"], "models/staging/stg_loyalty.sql" in files) == ("stg_loyalty", True)
