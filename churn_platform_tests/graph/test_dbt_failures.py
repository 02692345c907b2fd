"""A failed dbt test says what it means, for how many rows and whom, and what to do."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from churn_platform.graph.dbt_failures import (
    DbtFailure,
    failures,
    meaning,
    met_another_writer,
    next_command,
    what_to_do,
)
from churn_platform.graph.dbt_project import project_files
from churn_platform.portfolios.loader import load_recipe

PROJECT = Path(__file__).parents[2] / "dbt_models"
JUNE = date(2026, 6, 1)
TABLE = {"relation_name": "people", "resource_type": "model", "name": "people"}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A table of six customers, one of a strange gender and two of none."""
    with duckdb.connect() as opened:
        opened.execute(
            "create table people as select date '2026-06-01' as month, "
            "'C000000' || range as customer_id, "
            "case when range > 3 then null when range = 3 then 'x' else 'female' end as gender "
            "from range(6)"
        )
        yield opened


def node(kind: str, **arguments: Any) -> dict[str, Any]:
    """A generic test of the table."""
    return {
        "name": f"{kind}_people",
        "resource_type": "test",
        "attached_node": "model.people",
        "test_metadata": {"name": kind, "kwargs": arguments},
    }


def found(connection: duckdb.DuckDBPyConnection, test: dict[str, Any], **result: Any) -> DbtFailure:
    """What one result of a test says."""
    manifest = {"nodes": {"model.people": TABLE, "test.it": test}}
    given = {"unique_id": "test.it", "status": "fail", "failures": 2, "compiled_code": "select 1"}
    (failure,) = failures(connection, manifest, [given | result], [JUNE])
    return failure


def test_missing_values_name_their_customers(connection: duckdb.DuckDBPyConnection):
    """dbt's own query returns the column alone; the ids are masked."""
    failure = found(connection, node("not_null", column_name="gender"))
    assert failure.text == (
        "not_null_people failed: 2 rows, e.g. customer_id ***04, ***05\n"
        "What must hold: Every row has a gender. Look at the column in the month's landed file."
    )


def test_strange_levels_name_their_customers(connection: duckdb.DuckDBPyConnection):
    """dbt's own query counts levels."""
    test = node("accepted_values", column_name="gender", values=["female", "male"])
    failure = found(connection, test, failures=1)
    assert failure.examples == ("***03",)
    assert "Every gender is one of female, male." in failure.words


def test_five_examples_are_enough(connection: duckdb.DuckDBPyConnection):
    """All six customers failed."""
    query = "select * from people"
    test = node("other") | {
        "description": "All is well.",
        "config": {"meta": {"what_to_do": "Do."}},
    }
    failure = found(connection, test, failures=6, compiled_code=query)
    assert len(failure.examples) == 5
    assert failure.words == "What must hold: All is well. Do."


def test_rows_without_customers_have_no_examples(connection: duckdb.DuckDBPyConnection):
    """The number still stands."""
    failure = found(connection, node("other"), failures=1)
    assert failure.text.startswith("other_people failed: 1 row\n")


def test_a_model_that_cannot_be_built_says_why(connection: duckdb.DuckDBPyConnection):
    """As the database told dbt; what passed or was skipped says nothing."""
    failure = found(connection, TABLE, status="error", message="Binder Error:\n  no such column")
    assert failure.text == "people failed\nBinder Error: no such column"
    assert (
        failures(connection, {"nodes": {}}, [{"unique_id": "x", "status": "error"}], [JUNE]) == []
    )


def declared() -> Iterator[dict[str, Any]]:
    """Every test that the project's YAML declares, as dbt's manifest has it."""
    for path, text in project_files(load_recipe("telecomit")).items():
        if not path.endswith(".yml") or not path.startswith("models/"):
            continue
        for model in yaml.safe_load(text).get("models", []):
            for each in [*model.get("data_tests", [])]:
                yield _node(model["name"], each, None)
            for column in model.get("columns", []):
                for each in column.get("data_tests", []):
                    yield _node(model["name"], each, column["name"])
    yield from yaml.safe_load((PROJECT / "tests" / "_tests.yml").read_text())["data_tests"]


def _node(model: str, test: Any, column: str | None) -> dict[str, Any]:
    kind, given = next(iter(test.items())) if isinstance(test, dict) else (test, {})
    arguments = {"column_name": column, **given.get("arguments", {})}
    named = {"name": f"{kind} of {model}", "test_metadata": {"name": kind, "kwargs": arguments}}
    return given | named


def test_every_test_is_described():
    """What it means, and where to look if it fails; also those that are files of their own."""
    tests = list(declared())
    assert len(tests) > 15
    assert {path.stem for path in (PROJECT / "tests").glob("*.sql")} <= {
        test["name"] for test in tests
    }
    assert [test["name"] for test in tests if not meaning(test)] == []
    assert [test["name"] for test in tests if not what_to_do(test)] == []
    assert "None" not in json.dumps([meaning(test) for test in tests])


BUSY = {
    "status": "error",
    "message": "Runtime Error\n  TransactionContext Error: Conflict on commit",
}
SOME = {"status": "partial success", "message": "Transaction conflict - table was altered"}
MADE = {"status": "error", "message": 'Catalog Error: Table with name "a" already exists!'}
FULL = {"status": "partial success", "message": "IO Error: No space left on device"}
SKIPPED = {"status": "skipped", "message": None}


@pytest.mark.parametrize(
    ("results", "told", "is_so"),
    [
        ([BUSY, SKIPPED], "", True),
        ([BUSY, SOME], "", True),
        ([MADE, SKIPPED], "", True),
        ([BUSY, FULL], "conflict", False),
        ([BUSY, {"status": "error", "message": "Binder Error: no column"}], "conflict", False),
        ([BUSY, {"status": "fail", "message": "Got 1 result"}], "conflict", False),
        ([SKIPPED], "conflict", False),
        ([], "Transaction conflict - attempting to create schema with name", True),
        ([], "Could not find profile", False),
    ],
)
def test_only_a_meeting_of_writers_is_tried_again(results, told, is_so):
    """A test that failed, or any other error, is not: it would fail again."""
    assert met_another_writer(results, told) is is_so


def test_what_to_do_is_about_files_only_if_rows_were_found():
    """A full disk, or a store that does not answer, is no reason to land files again."""
    rows = DbtFailure("not_null_people", "words", 2)
    error = DbtFailure("people", "IO Error: No space left on device")
    assert next_command("acme", [JUNE], [error, rows]).startswith("Land the corrected files, then")
    assert next_command("acme", [JUNE], [error]) == (
        "Mend what dbt names, then run `churn run acme --from 2026-06 --to 2026-06`."
    )
