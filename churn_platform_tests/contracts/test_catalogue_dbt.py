"""The feature catalogue and dbt's models say the same; the catalogue is right where they differ."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from churn_platform.graph.dbt_project import project_files
from churn_platform.portfolios.loader import load_recipe
from churn_platform.portfolios.spec import Feature, Portfolio
from churn_platform_tests.support.invariants import invariant

PROJECT = Path(__file__).parents[2] / "dbt_models"
SQL_TYPES = {"integer": "bigint", "number": "double", "boolean": "boolean", "category": "varchar"}
TELECOMIT = load_recipe("telecomit")


@pytest.fixture(scope="module")
def telecomit() -> Portfolio:
    """The portfolio that the models were written for."""
    return TELECOMIT


def models(path: str) -> dict[str, dict[str, Any]]:
    """Models of a properties file by name."""
    text = project_files(TELECOMIT)[path]
    return {model["name"]: model for model in yaml.safe_load(text)["models"]}


def columns() -> list[dict[str, Any]]:
    """Columns of customer_features as dbt declares them."""
    return models("models/marts/_customer_features.yml")["customer_features"]["columns"]


def expected(feature: Feature) -> dict[str, Any]:
    """How dbt must declare a feature."""
    allowed = [{"accepted_values": {"arguments": {"values": list(feature.levels)}}}]
    return (
        {
            "name": feature.name,
            "data_type": SQL_TYPES[feature.type],
            "description": feature.description,
        }
        | ({} if feature.nullable else {"constraints": [{"type": "not_null"}]})
        | ({"data_tests": allowed} if feature.levels else {})
    )


@invariant("Time and data", "The feature catalogue and dbt's contract agree.")
def test_customer_features_declares_the_catalogue(telecomit):
    """Names, order, types, nullability, levels and words of all features agree."""
    assert columns()[2:] == [expected(feature) for feature in telecomit.features]


def test_grain_columns_come_first():
    """The two columns that are no features lead the table and are never null."""
    assert [(column["name"], column["constraints"]) for column in columns()[:2]] == [
        ("customer_id", [{"type": "not_null"}]),
        ("month", [{"type": "not_null"}]),
    ]


def test_staging_offers_the_landed_columns(telecomit):
    """Each staging view describes every landed column but the customer's own number; campaign
    tables have none.
    """
    staging = models("models/staging/_staging.yml")
    for table in (table for table in telecomit.tables if not table.optional):
        landed = [
            f"{column.name}_hash" if column.hashed else column.name for column in table.columns
        ]
        declared = [column["name"] for column in staging[f"stg_{table.name}"]["columns"]]
        assert declared == ["month", *(name for name in landed if name != "phone_number_hash")]


def test_every_model_says_its_grain():
    """A reader learns from the first words what one row is."""
    files = (
        "staging/_staging",
        "intermediate/_intermediate",
        "marts/_marts",
        "marts/_customer_features",
    )
    described = [model for file in files for model in models(f"models/{file}.yml").values()]
    assert {model["name"] for model in described} == {
        path.stem for path in (PROJECT / "models").rglob("*.sql")
    }
    assert [
        model["name"] for model in described if not model["description"].startswith("One row per ")
    ] == []


def test_features_name_the_table_that_their_model_reads(telecomit):
    """A feature is left out where its table is missing, and no other is."""
    models_of = {
        "transactions": "features_rfm",
        "cdr": "features_usage",
        "support_tickets": "features_support",
        "app_usage": "features_app",
    }
    folder = PROJECT / "models" / "marts"
    for feature in telecomit.features:
        made_by = [
            table
            for table, model in models_of.items()
            if re.search(rf"\b{feature.name}\b", (folder / f"{model}.sql").read_text())
        ]
        assert feature.table == (made_by or ["customers"])[0]
