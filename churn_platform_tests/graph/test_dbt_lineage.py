"""Lineage of columns is worked out once, and again when SQL or columns have changed. That it is
right is asked in pipeline/test_month.py.
"""

from types import SimpleNamespace

import pytest
from dagster import AssetKey, TableColumnDep, TableColumnLineage

from churn_platform.graph import dbt_lineage
from churn_platform.graph.dbt_lineage import column_lineage

MODEL = "model.project.minutes"
NODE = {"package_name": "project", "original_file_path": "models/minutes.sql"}
COLUMNS = {"minutes": {"data_type": "DOUBLE"}}
DEP = TableColumnDep(AssetKey(["raw", "calls"]), "seconds")
LINEAGE = {"dagster/column_lineage": TableColumnLineage({"minutes": [DEP]})}


@pytest.fixture
def target(tmp_path):
    """The folder of dbt with the compiled SQL of one model."""
    sql = tmp_path / "compiled" / "project" / "models" / "minutes.sql"
    sql.parent.mkdir(parents=True)
    sql.write_text("select 1")
    return tmp_path


@pytest.fixture
def asked(target, monkeypatch):
    """Asks for the lineage; tells it, and how often it was worked out."""
    worked = []

    def work(**given):
        worked.append(given)
        return LINEAGE

    monkeypatch.setattr(dbt_lineage, "_build_column_lineage_metadata", work)

    def ask(columns=COLUMNS):
        found = column_lineage(
            {"nodes": {MODEL: NODE}},
            MODEL,
            columns=columns,
            parents={"raw.calls": {"seconds": {"data_type": "BIGINT"}}},
            translator=SimpleNamespace(),
            target_path=target,
        )
        return found, len(worked)

    return ask


def test_it_is_kept_from_run_to_run(asked):
    """What is kept equals what was worked out."""
    assert asked() == (LINEAGE, 1)
    assert asked() == (LINEAGE, 1)


def test_what_changed_is_worked_out_anew(asked, target):
    """The columns, the SQL; and what was kept in a way that cannot be read."""
    asked()
    other = COLUMNS | {"more": {"data_type": "VARCHAR"}}
    assert asked(other)[1] == 2
    (target / "compiled" / "project" / "models" / "minutes.sql").write_text("select 2")
    assert asked(other)[1] == 3
    (target / "lineage" / f"{MODEL}.json").write_text("{")
    assert asked(other)[1] == 4
    assert asked(other)[1] == 4
