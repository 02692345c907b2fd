"""A spec that contradicts itself does not load, and a snapshot's landing contract follows from its
features.
"""

import pytest
from pydantic import ValidationError

from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Portfolio
from churn_platform_tests.portfolios.conftest import changed
from churn_platform_tests.support.tiny import TINY


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("colour",), "red", "Extra inputs are not permitted"),
        (("name",), "Tiny!", "String should match pattern"),
        (("name",), "schema", "'schema' is a path of the service"),
        (("features", 1, "name"), "usage", "a feature is listed twice"),
        (("features", 0, "levels"), ["a"], "a category needs levels, and only a category has them"),
        (("features", 3, "levels"), [], "a category needs levels"),
        (("features", 0, "reason"), "Used {volume} GB", "feature usage: reason .* cannot be said"),
        (("features", 0, "reason"), "Used {value:d} GB", "feature usage: reason .* cannot be said"),
        (("tables",), [], "an events portfolio lists its landed tables"),
        (("tables", 0, "key"), "nothing", "'nothing' is not one of its columns"),
        (("tables", 1, "event_time"), "nothing", "'nothing' is not one of its columns"),
        (("tables", 0, "columns", 1, "name"), "customer_id", "a column is listed twice"),
        (("kind",), "snapshot", "names id_column and label.column, and lists no tables"),
        (("economics", "acceptance_rate"), 1.5, "less than or equal to 1"),
        (("gates", "min_auc"), 0.4, "greater than or equal to 0.5"),
        (
            ("candidates",),
            ["crystal_ball"],
            "Input should be 'logistic_regression', 'random_forest', 'lightgbm' or 'xgboost'",
        ),
    ],
)
def test_a_contradiction_is_refused(path, value, message):
    """Each part that cannot be is named."""
    with pytest.raises(ValidationError, match=message):
        Portfolio.model_validate(changed(*path, value=value))


def test_a_snapshots_contract_follows_from_its_features(tmp_path):
    """Id, optional label, then one column per feature, under the headers of the user's file."""
    table = load_portfolios(tmp_path)["ibm_telco"].table("customers")
    assert [column.header for column in table.columns[:3]] == ["customerID", "Churn", "gender"]
    assert (table.column("churn_label").optional, table.column("churn_label").levels) == (
        True,
        ("Yes", "No"),
    )
    assert [column.name for column in table.columns if not column.required] == [
        "churn_label",
        "total_charges",
    ]
    assert table.column("contract").type == "string"


def test_parts_are_found_by_name():
    """Tables, columns and features are looked up by name; a wrong name is a KeyError."""
    assert TINY.table("calls").column("kind").levels == ("voice", "sms")
    assert TINY.feature("plan").type == "category"
    assert TINY.feature_names == ["usage", "tickets", "is_late", "plan"]
    for look_up in (TINY.table, TINY.table("calls").column, TINY.feature):
        with pytest.raises(KeyError):
            look_up("nothing")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            ("protected_attributes",),
            ["plan", "shoe_size"],
            "protected_attributes: shoe_size is neither a feature nor",
        ),
        (
            ("slices",),
            ["shoe_size"],
            "slices: shoe_size is neither a feature nor a column of the table customers",
        ),
        (("slices",), ["joined_date"], "slices: joined_date is neither"),
        (("slices",), ["phone_number"], "slices: phone_number is neither"),
        (
            ("features", 3, "protected"),
            True,
            "plan is marked as protected and missing in protected_attributes",
        ),
    ],
)
def test_attributes_must_be_there_to_group_by(path, value, message):
    """Fairness and slices name features or landed columns; dates and hashed
    numbers make no groups.
    """
    with pytest.raises(ValidationError, match=message):
        Portfolio.model_validate(changed(*path, value=value))
    assert "plan_eur" in TINY.landed_attributes
