"""Which months are to be built again, so that they have a feature that is newer than they are."""

from datetime import date

import duckdb

from churn_platform.errors import ChurnError
from churn_platform.months import label
from churn_platform.own_features.feature_months import TABLE, known_features
from churn_platform.own_features.models import model_name, own_features
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.tables import made_months


def months_without(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, feature: str
) -> list[date]:
    """Built months that do not have the feature and whose raw rows are there, oldest first.

    ChurnError if the catalogue does not have it, or nothing has landed that it could be made of.
    """
    if feature not in portfolio.feature_names:
        raise ChurnError(
            f"{portfolio.name} has no feature {feature!r}; those are: "
            f"{', '.join(portfolio.feature_names)}"
        )
    without = []
    for month, known in known_features(connection, portfolio.name).items():
        if feature not in known:
            without.append(month)
    if not without:
        return []

    source = portfolio.feature(feature).table
    landed = made_months(connection, f"{portfolio.raw_schema}.{source}")
    possible = sorted(set(without) & landed)
    if not possible:
        first, last = label(min(without)), label(max(without))
        raise ChurnError(
            f"{source} of {portfolio.name} has no rows of {first} to {last}, of which {feature} "
            "could be made; give the feature a default"
        )
    return possible


def tables_to_build(portfolio: Portfolio, feature: str) -> list[str]:
    """The tables to make again for a feature of the operator's own: its own, and the one that has
    all. None for a feature of the recipe, which may be made by any model.
    """
    if feature not in [each.name for each in own_features(portfolio)]:
        return []
    return [f"{portfolio.name}.{name}" for name in (model_name(feature), TABLE)]
