"""What churn is: which policies can be asked for, and when their labels mature."""

from typing import Any

import pytest
from pydantic import ValidationError

from churn_platform.portfolios.dbt_variables import calendar_and_label
from churn_platform.portfolios.label import Label
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Portfolio
from churn_platform_tests.support.dbt_sql import VARIABLES

TOP_UPS = {"table": "transactions", "where": {"transaction_type": ["top_up"], "is_failed": False}}


@pytest.fixture(scope="module")
def telecomit(tmp_path_factory: pytest.TempPathFactory) -> Portfolio:
    """The portfolio that ships."""
    return load_portfolios(tmp_path_factory.mktemp("none"))["telecomit"]


def asked(portfolio: Portfolio, label: dict[str, Any]) -> Portfolio:
    """The portfolio with another label."""
    return Portfolio.model_validate(
        {**portfolio.model_dump(mode="json", by_alias=True), "label": label}
    )


@pytest.mark.parametrize(
    ("label", "months"),
    [
        ({}, 1),
        ({"gap_months": 2}, 3),
        # From 1 February 28 days are a month, 30 reach into March.
        ({"policy": "inactivity", "days": 28, "events": [TOP_UPS]}, 1),
        ({"policy": "inactivity", "days": 30, "events": [TOP_UPS]}, 2),
        ({"policy": "inactivity", "days": 90, "gap_months": 1, "events": [TOP_UPS]}, 5),
        # A commitment that ends on the last day of the month, and 30 days to renew it.
        ({"policy": "non_renewal", "days": 30}, 3),
        ({"policy": "non_renewal", "days": 30, "gap_months": 1}, 4),
    ],
)
def test_a_label_matures_when_its_last_day_has_passed_in_any_season(label, months):
    """The same number of months for every month of the features."""
    assert Label.model_validate(label).outcome_months == months


@pytest.mark.parametrize(
    ("label", "complaint"),
    [
        ({"days": 30}, "are for inactivity and non_renewal"),
        ({"policy": "inactivity", "events": [TOP_UPS]}, "inactivity needs days"),
        ({"policy": "inactivity", "days": 30}, "inactivity needs events"),
        (
            {"policy": "inactivity", "days": 30, "events": [{"table": "calls"}]},
            "none of the tables",
        ),
        (
            {"policy": "non_renewal", "days": 30, "events": [{"table": "customers"}]},
            "'customers' is none of the tables of events: transactions, cdr",
        ),
        (
            {
                "policy": "inactivity",
                "days": 9,
                "events": [{"table": "cdr", "where": {"kind": "a"}}],
            },
            "cdr.kind is no column",
        ),
        (
            {
                "policy": "inactivity",
                "days": 9,
                "events": [{"table": "cdr", "where": {"record_type": ["voice", "fax"]}}],
            },
            "cdr.record_type is never fax; its levels are: voice, sms, data",
        ),
    ],
)
def test_a_label_that_cannot_be_told_is_refused(telecomit, label, complaint):
    """With the value that is wrong and those that are right."""
    with pytest.raises(ValidationError, match=complaint):
        asked(telecomit, label)


def test_dbt_is_told_of_events_by_the_columns_of_their_table(telecomit):
    """YAML's true and false are the texts that SQL compares."""
    label = {"policy": "inactivity", "days": 60, "events": [TOP_UPS]}
    (told,) = calendar_and_label(asked(telecomit, label))["label_events"]
    assert told == {
        "table": "transactions",
        "customer": "customer_id",
        "event_time": "transacted_at",
        "where": {"transaction_type": ["top_up"], "is_failed": ["false"]},
    }


def test_telecomit_is_what_the_dbt_project_says(telecomit):
    """Models that are built by hand, without a portfolio's variables, are those of telecomit."""
    told = calendar_and_label(telecomit)
    assert told == {name: VARIABLES[name] for name in told}
