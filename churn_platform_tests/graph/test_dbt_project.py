"""A portfolio's own dbt project: what differs from the recipe, and what is not made again."""

import pytest
import yaml

from churn_platform.errors import SpecError
from churn_platform.graph.dbt_project import (
    CONTRACT_FILE,
    PROJECT_FILE,
    project_files,
    require_recipe,
    write_files,
)
from churn_platform.portfolios.loader import load_recipe
from churn_platform.portfolios.spec import Portfolio
from churn_platform_tests.support.event_portfolios import WITHOUT_APP

TELECOMIT = load_recipe("telecomit")


def variables(portfolio: Portfolio) -> dict[str, object]:
    """What dbt knows of the portfolio."""
    return yaml.safe_load(project_files(portfolio)[PROJECT_FILE])["vars"]


def test_a_project_knows_its_portfolio():
    """Name, tables, catalogue and label come from the spec."""
    gap = TELECOMIT.label.model_copy(update={"gap_months": 2})
    found = variables(TELECOMIT.model_copy(update={"label": gap}))
    assert (found["portfolio"], found["label_gap_months"]) == ("telecomit", 2)
    assert found["features"] == TELECOMIT.feature_names


def test_a_table_that_is_not_there_has_no_features():
    """Neither for dbt's models nor in the contract of the table that Python reads."""
    assert "app_usage" not in variables(WITHOUT_APP)["tables"]
    contract = yaml.safe_load(project_files(WITHOUT_APP)[CONTRACT_FILE])
    names = [column["name"] for column in contract["models"][0]["columns"]]
    assert names == ["customer_id", "month", *WITHOUT_APP.feature_names]
    assert "app_sessions_30d" not in names


def test_only_what_changed_is_written(tmp_path):
    """dbt knows by a file's time that it need not read it again; what went is gone."""
    write_files(tmp_path, {"a.sql": "select 1", "below/b.sql": "select 2", "c.sql": "select 3"})
    before = (tmp_path / "a.sql").stat().st_mtime_ns
    write_files(tmp_path, {"a.sql": "select 1", "below/b.sql": "select 4"})
    assert (tmp_path / "a.sql").stat().st_mtime_ns == before
    assert (tmp_path / "below/b.sql").read_text() == "select 4"
    assert not (tmp_path / "c.sql").exists()


def test_a_feature_that_no_model_makes_is_refused():
    """At the start, not in the middle of a month."""
    feature = TELECOMIT.features[0].model_copy(update={"name": "shoe_size"})
    with pytest.raises(SpecError, match="no model of dbt_models/ makes shoe_size"):
        require_recipe(TELECOMIT.model_copy(update={"features": (feature,)}))


def test_a_table_without_a_column_that_models_read_is_refused():
    """The table and the column are named."""
    calls = TELECOMIT.table("cdr")
    cut = calls.model_copy(update={"columns": calls.columns[:-1]})
    with pytest.raises(SpecError, match="table cdr needs the column is_dropped of type boolean"):
        require_recipe(TELECOMIT.model_copy(update={"tables": (cut,)}))
