"""Portfolios of event tables beside telecomit, made of its recipe."""

from typing import Any

from churn_platform.portfolios.loader import load_recipe
from churn_platform.portfolios.recipe import with_recipe
from churn_platform.portfolios.spec import Portfolio


def of_recipe(name: str, *tables: str | dict[str, Any], **more: Any) -> Portfolio:
    """A portfolio that has just those tables of the recipe, by name or with what is their own."""
    recipe = load_recipe("telecomit").model_dump(mode="json", by_alias=True)
    given = {
        "name": name,
        "title": name.title(),
        "kind": "events",
        "recipe": "telecomit",
        "tables": [{"name": each} if isinstance(each, str) else each for each in tables],
        **more,
    }
    return Portfolio.model_validate(with_recipe(given, recipe))


WITHOUT_APP = of_recipe("acme", "customers", "transactions", "cdr", "support_tickets")
# Read from files of its own; nothing of it has landed.
READ = of_recipe(
    "brevo",
    *(
        {"name": name, "from": {"source": "own", "path": f"{name}/{{month}}.parquet"}}
        for name in ("customers", "cdr")
    ),
    sources={"own": {"kind": "files", "location": "usage"}},
)
