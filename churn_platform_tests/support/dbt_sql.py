"""Models of the dbt project on tables of a few rows, without dbt: for what a portfolio's variables
change in them.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import yaml

from churn_platform.own_features.rendering import render_model
from churn_platform.portfolios.dbt_variables import offsets_of
from churn_platform.warehouse.tables import dicts

PROJECT = Path(__file__).parents[2] / "dbt_models"
VARIABLES = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
Rows = Sequence[Mapping[str, Any]]


def render(text: str, month: date, **variables: Any) -> str:
    """The SQL of a template for a month; tables have the names that `ref` says."""
    zone = variables.get("timezone", "UTC")
    variables["timezone_offsets"] = offsets_of(zone)
    return render_model(
        text,
        project=PROJECT,
        variables=VARIABLES | variables,
        month=month,
        table_of=lambda name: name.rpartition(".")[2],
    )


def run_model(
    name: str, month: date, tables: Mapping[str, str], **variables: Any
) -> list[dict[str, Any]]:
    """The rows that a model makes of a month, of tables that are given as SQL."""
    (path,) = (PROJECT / "models").rglob(f"{name}.sql")
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for table, sql in tables.items():
            connection.execute(f"create table {table} as {sql}")
        return dicts(connection.execute(render(path.read_text(), month, **variables)))
