"""The reference case's arithmetic, by hand."""

import numpy as np
import pytest

from churn_platform.campaign.list_economics import (
    as_markdown,
    compare_policies,
    profit_curve,
    sensitivity,
)
from churn_platform_tests.support.tiny import TINY

ECONOMICS = TINY.economics  # 35 EUR a contact, 4 in 10 accept, 180 EUR saved


def policies():
    """1,000 customers of whom 100 leave; the model reaches 70 of them with 200 contacts."""
    found = compare_policies(
        customers=1000, churn_rate=0.1, recall=0.7, contacted_share=0.2, economics=ECONOMICS
    )
    return {row.policy: row for row in found}


def test_each_policy_by_hand():
    """Everybody: 100 x 0.4 x 180 - 1000 x 35 = -27,800; model: 5,040 - 7,000; random 200 reach 20;
    perfect 100.
    """
    net = {name: row.net_eur for name, row in policies().items()}
    assert net == pytest.approx(
        {
            "nobody": 0,
            "everybody": -27_800,
            "random": 1440 - 7000,
            "model": -1960,
            "perfect": 7200 - 3500,
        }
    )
    assert policies()["perfect"].return_on_investment == pytest.approx(3700 / 3500)
    assert policies()["nobody"].return_on_investment == 0


def test_the_profit_curve_peaks_where_a_contact_stops_paying():
    """Contacts at 0.9 and 0.6 bring 29.8 and 8.2 EUR; the third, at 0.1, costs 27.8."""
    curve = profit_curve(np.array([0.1, 0.9, 0.6]), ECONOMICS)
    assert curve[:, 0].tolist() == [1, 2, 3]
    assert curve[:, 1] == pytest.approx([29.8, 38.0, 10.2])


def test_the_profit_curve_keeps_its_ends_when_thinned():
    """The first and the last contact are always among the points."""
    curve = profit_curve(np.linspace(0, 1, 5000), ECONOMICS, points=50)
    assert len(curve) <= 50
    assert curve[[0, -1], 0].tolist() == [1, 5000]


def test_cheaper_contacts_lower_the_threshold():
    """At half the cost it pays from 0.243 on instead of 0.486; at twice the acceptance likewise."""
    rows = sensitivity(np.array([0.3, 0.9]), ECONOMICS, factors=(0.5, 1.0, 2.0))
    by_factors = {(row["acceptance_factor"], row["cost_factor"]): row for row in rows}
    assert by_factors[1, 1]["threshold"] == pytest.approx(35 / 72)
    assert by_factors[1, 0.5]["threshold"] == pytest.approx(17.5 / 72)
    assert by_factors[1, 0.5]["contacts"] == 2
    assert by_factors[1, 0.5]["net_eur"] == pytest.approx(1.2 * 72 - 35)
    assert by_factors[0.5, 2]["contacts"] == 0


def test_acceptance_never_exceeds_everybody():
    """Five times 40 % is still at most everybody."""
    (row,) = sensitivity(np.array([1.0]), ECONOMICS, factors=(5.0,))
    assert row["net_eur"] == pytest.approx(180 - 175)


def test_the_table_shows_every_policy():
    """A line each, with the return on each euro."""
    shown = as_markdown(list(policies().values()))
    assert "| model | 200 | 70 | 7,000 | 5,040 | -1,960 | -28% |" in shown
