"""Fills a spec that names a recipe: it says what is the operator's own, the recipe all else.

A table that the spec does not list is not there, and what is made of it is left out. Tables that
may be missing in any month anyway stay, so that people can land them.
"""

from collections.abc import Mapping
from typing import Any

Spec = Mapping[str, Any]
INHERITED = (
    "label",
    "split",
    "economics",
    "campaign",
    "gates",
    "protected_attributes",
    "slices",
)
NAMES = ("protected_attributes", "slices")


def with_recipe(given: Spec, recipe: Spec) -> dict[str, Any]:
    """The whole spec. `levels` of a table replace those of its columns, and of the features of the
    same name.
    """
    own = {table.get("name"): table for table in given.get("tables", ())}
    # In the recipe's order: the tables' order is that of the graph and of messages.
    tables = []
    missing = []
    for base in recipe["tables"]:
        name = base["name"]
        if name in own:
            tables.append(_table(base, own.pop(name)))
        elif base.get("optional"):
            tables.append(base)
        else:
            missing.append(name)
    tables += own.values()  # further ones, which have columns of their own

    levels = _own_levels(given)
    features = []
    without = []
    for base in recipe["features"]:
        source = base.get("table", "customers")
        if source in missing:
            without.append(base["name"])
        else:
            features.append(_with_levels(base, levels))

    whole = {}
    for key in INHERITED:
        if key in recipe:
            whole[key] = recipe[key]
    # A group of customers by a feature that is not there could not be made.
    for key in NAMES:
        whole[key] = [name for name in whole.get(key, ()) if name not in without]
    return {
        "features": features,
        **whole,
        **given,
        "left_out": {"tables": missing, "features": without},
        "tables": tables,
    }


def _table(base: Spec, own: Spec) -> dict[str, Any]:
    rest = dict(own)
    levels = rest.pop("levels", {})
    columns = rest.pop("columns", None)
    # Columns of the operator's own replace the recipe's altogether.
    if not columns:
        columns = [_with_levels(column, levels) for column in base["columns"]]
    return {**base, **rest, "columns": columns}


def _own_levels(given: Spec) -> dict[str, list[str]]:
    levels: dict[str, list[str]] = {}
    for table in given.get("tables", ()):
        levels |= table.get("levels", {})
    return levels


def _with_levels(entry: Spec, levels: Mapping[str, list[str]]) -> Spec:
    if entry["name"] not in levels or not entry.get("levels"):
        return entry
    return {**entry, "levels": levels[entry["name"]]}
