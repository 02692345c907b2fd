"""Portfolios of event tables beside telecomit, made of its recipe."""

from typing import Any

from churn_platform.portfolios.loader import load_recipe
from churn_platform.portfolios.recipe import with_recipe
from churn_platform.portfolios.spec import Portfolio


def of_recipe(name: str, *tables: str, **more: Any) -> Portfolio:
    """A portfolio that has just those tables of the recipe."""
    recipe = load_recipe("telecomit").model_dump(mode="json", by_alias=True)
    given = {
        "name": name,
        "title": name.title(),
        "kind": "events",
        "recipe": "telecomit",
        "tables": [{"name": table} for table in tables],
        **more,
    }
    return Portfolio.model_validate(with_recipe(given, recipe))


WITHOUT_APP = of_recipe("acme", "customers", "transactions", "cdr", "support_tickets")
CALLS_ALONE = of_recipe("brevo", "customers", "cdr")
