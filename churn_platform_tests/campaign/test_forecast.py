"""A month's forecast: from scores and measured metrics to rows and a table."""

import numpy as np
import pytest

from churn_platform.campaign.contact_list import replace_contact_list
from churn_platform.campaign.forecast import (
    FACTORS,
    Forecast,
    forecast_month,
    replace_forecast,
)
from churn_platform_tests.campaign.conftest import add_scores, with_campaign
from churn_platform_tests.support.tiny import JANUARY

MEASURED = {"recall": 0.5, "contacted_share": 0.5}


def test_sensitivity_is_a_grid_of_acceptance_and_cost():
    """Acceptance goes down, cost across; each cell is the net value of its pair, in euros."""
    rows = [
        {"acceptance_factor": down, "cost_factor": across, "net_eur": 1_000 * down + across}
        for down in FACTORS
        for across in FACTORS
    ]
    lines = Forecast([], rows, np.zeros(0)).sensitivity_markdown().splitlines()
    assert [cell.strip() for cell in lines[0].strip("|").split("|")] == [
        "acceptance / cost",
        *("x 0.5", "x 0.75", "x 1", "x 1.25", "x 1.5"),
    ]
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == [
        *("x 0.5", "500", "501", "501", "501", "502"),
    ]
    assert "1,502" in lines[-1]


def test_the_churn_to_expect_is_the_mean_of_the_scores(connection):
    """Of 4 customers 2 are expected to leave: perfect contacts cost 70 EUR and keep 0.4 x 2 x 180;
    the list has the two above 35 / (0.4 x 180) = 0.49.
    """
    portfolio = with_campaign(control_share=0)
    add_scores(connection, {"ada": 0.9, "bob": 0.8, "cleo": 0.2, "dan": 0.1})
    replace_contact_list(connection, portfolio, JANUARY)
    policies = {
        row.policy: row for row in forecast_month(connection, portfolio, JANUARY, MEASURED).policies
    }
    assert (policies["perfect"].cost_eur, policies["perfect"].net_eur) == (
        pytest.approx(70),
        pytest.approx(144 - 70),
    )
    assert policies["contact list"].contacts == 2
    assert policies["contact list"].net_eur == pytest.approx(0.4 * 1.7 * 180 - 70)


def test_a_forecast_takes_the_place_of_the_one_before(connection):
    """The month has each policy and each pair of factors once."""
    portfolio = with_campaign(control_share=0)
    add_scores(connection, {"ada": 0.9, "bob": 0.1})
    replace_contact_list(connection, portfolio, JANUARY)
    forecast = forecast_month(connection, portfolio, JANUARY, MEASURED)
    for _ in range(2):
        replace_forecast(connection, portfolio, JANUARY, forecast)
    counts = connection.execute(
        "select (select count(*) from tiny.campaign_economics), "
        "(select count(*) from tiny.campaign_sensitivity)"
    ).fetchone()
    assert counts == (len(forecast.policies), len(FACTORS) ** 2)


def test_learning_has_a_price(connection):
    """A hold-out of a fifth forgoes a quarter of the list; exploration is told apart."""
    add_scores(connection, {f"C{number:03d}": 0.9 - number / 200 for number in range(100)})
    portfolio = with_campaign(
        holdout_share=0.2, exploration_share=0.2, capacity=20, control_share=0
    )
    replace_contact_list(connection, portfolio, JANUARY)
    measured = {"recall": 0.5, "contacted_share": 0.1}
    forecast = forecast_month(connection, portfolio, JANUARY, measured)
    policies = {policy.policy: policy for policy in forecast.policies}
    listed = policies["contact list"]
    assert forecast.policies[-1] == listed
    assert policies["standing hold-out"].net_eur == pytest.approx(-listed.net_eur / 4)
    assert policies["exploration"].contacts == 4
    assert listed.contacts == 20
