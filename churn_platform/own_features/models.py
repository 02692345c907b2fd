"""Makes dbt models of an operator's own features, and views of tables that no recipe knows."""

from collections.abc import Sequence
from typing import Any

import yaml

from churn_platform.portfolios.spec import Feature, Portfolio, Table

FOLDER = "models/own"
SQL_TYPES = {"integer": "bigint", "number": "double", "boolean": "boolean", "category": "varchar"}
GRAIN = ["customer_id", "month"]
Files = dict[str, str]

MODEL = """\
with

own as (
{sql}
),

typed as (
    select
        customer_id,
        {{{{ batch_month() }}}} as month,
        cast({name} as {sql_type}) as {name},
    from own
)

select * from typed
"""
STAGING = """\
with

landed as (
    select * from {{{{ source('raw', '{name}') }}}}
)

select * from landed
"""


def model_name(feature: str) -> str:
    """The model, and the table, that holds an own feature."""
    return f"own_{feature}"


def own_features(portfolio: Portfolio) -> list[Feature]:
    """The features that are made by SQL of the operator's own."""
    return [feature for feature in portfolio.features if feature.own]


def own_files(portfolio: Portfolio, further: Sequence[Table]) -> Files:
    """The files of a dbt project for the own features, and for `further` tables beside those of the
    recipe; none without both.
    """
    files = {}
    models = []
    for feature in own_features(portfolio):
        name = model_name(feature.name)
        files[f"{FOLDER}/{name}.sql"] = model_sql(feature, portfolio.own_sql[feature.name])
        models.append(_properties(feature))
    for table in further:
        files[f"models/staging/stg_{table.name}.sql"] = STAGING.format(name=table.name)
        models.append({"name": f"stg_{table.name}", "description": table.description})
    if not models:
        return files

    content: dict[str, Any] = {"version": 2, "models": models}
    if further:
        landed = [{"name": table.name, "description": table.description} for table in further]
        source = {"name": "raw", "schema": "{{ var('portfolio') }}_raw", "tables": landed}
        content["sources"] = [source]
    files[f"{FOLDER}/_own.yml"] = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    return files


def model_sql(feature: Feature, sql: str) -> str:
    """The text of the model: the operator's select, with the month and the catalogue's type."""
    indented = "\n".join(f"    {line}".rstrip() for line in _select(sql).splitlines())
    return MODEL.format(sql=indented, name=feature.name, sql_type=SQL_TYPES[feature.type])


def _select(sql: str) -> str:
    # A semicolon ends a statement, and this one goes into another.
    return sql.strip().removesuffix(";").rstrip()


def _properties(feature: Feature) -> dict[str, Any]:
    column: dict[str, Any] = {"name": feature.name, "description": feature.description}
    tests: list[Any] = [] if feature.nullable else ["not_null"]
    if feature.levels:
        tests.append({"accepted_values": {"arguments": {"values": list(feature.levels)}}})
    low, high = feature.range
    if (low, high) != (None, None):
        tests.append({"within_range": {"arguments": {"low": low, "high": high}}})
    if tests:
        column["data_tests"] = tests
    return {
        "name": model_name(feature.name),
        "description": f"One row per customer and month: {feature.description}",
        "data_tests": [{"unique_combination": {"arguments": {"columns": GRAIN}}}],
        "columns": [column],
    }
