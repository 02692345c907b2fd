"""Uplift ranks the list only with evidence that it earns more than churn."""

import numpy as np
import pytest

from churn_platform.campaign.randomised import Randomised
from churn_platform.campaign.uplift import chosen_within, effects_eur, judge, paired_interval
from churn_platform_tests.support.invariants import invariant

CONTROL_SHARE = 0.25


def drawn(rows: int, *, effect: float, harm: float, seed: int = 1) -> tuple[Randomised, np.ndarray]:
    """Customers whose first feature says whether a contact takes `effect` off the risk of leaving
    or adds `harm`.
    """
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(rows, 4)).astype(np.float32)
    features[::7, 3] = np.nan
    probability = generator.uniform(0.2, 0.8, rows)
    is_control = np.arange(rows) % 4 == 0
    uplift = np.where(features[:, 0] > 0, effect, -harm)
    churned = generator.random(rows) < np.where(
        is_control, probability, np.clip(probability - uplift, 0, 1)
    )
    customers = Randomised(
        features_month=np.full(rows, np.datetime64("2025-01-01")),
        customer_id=np.array([f"C{row}" for row in range(rows)], dtype=object),
        offer=np.full(rows, "call", dtype=object),
        is_control=is_control,
        churn_probability=probability,
        value_eur=np.full(rows, 180.0),
        planned_cost_eur=np.full(rows, 10.0),
        churned=churned,
        is_contacted=~is_control,
        is_accepted=np.where(is_control, np.nan, 1.0),
        cost_eur=np.where(is_control, 0.0, 10.0),
    )
    return customers, features


def judged(
    rows: int,
    *,
    effect: float,
    harm: float,
    fewest: int = 100,
    control_share: float = CONTROL_SHARE,
):
    """The challenge of such customers."""
    customers, features = drawn(rows, effect=effect, harm=harm)
    return judge(
        customers,
        features,
        acceptance_rate=np.full(rows, 0.4),
        control_share=control_share,
        fewest=fewest,
        is_limited=True,
        threads=1,
    )


def test_uplift_is_used_where_it_earns_more():
    """Half are kept by a contact and half driven away: churn cannot tell them apart, uplift learns
    to.
    """
    found = judged(2000, effect=0.4, harm=0.2)
    assert found.is_used
    assert 0 < found.difference_low_eur < found.difference_eur < found.difference_high_eur
    assert found.reason.startswith("ranked by uplift: it earns more (+")
    assert "1,500 treated and 500 control" in found.reason


@invariant("Campaign", "Uplift ranks nothing without evidence.")
def test_uplift_is_not_used_without_evidence():
    """A contact that does the same to everybody: there is nothing to learn, and the list stays as
    it was.
    """
    found = judged(1200, effect=0.2, harm=-0.2)
    assert not found.is_used
    assert found.difference_low_eur <= 0
    assert found.reason.startswith("ranked by churn: uplift is not shown to earn more (")


def test_too_few_are_not_judged():
    """With 50 control customers nothing is fitted."""
    found = judged(200, effect=0.4, harm=0.2)
    assert (found.is_used, found.difference_eur) == (False, None)
    assert found.reason == (
        "ranked by churn: 150 treated and 50 control customers have outcomes, "
        "100 of each are the least"
    )


def test_groups_that_are_not_as_drawn_are_not_judged():
    """A quarter is control where one in twenty was drawn: something decided but chance."""
    assert "not as many as" in judged(2000, effect=0.4, harm=0.2, control_share=0.05).reason


def test_the_weighting_is_unbiased():
    """The mean of the estimates is what contacts earned on average: 0.2 x 180 - 10 = 26 EUR."""
    customers, _ = drawn(40_000, effect=0.2, harm=-0.2)
    estimates = effects_eur(customers, control_share=CONTROL_SHARE)
    assert estimates.mean() == pytest.approx(26, abs=4 * estimates.std() / 200)


def test_a_ranking_chooses_within_its_share_of_the_cost():
    """Of four contacts at 10 EUR half the cost buys the best two, and only one where the second is
    not worth it.
    """
    customers, _ = drawn(4, effect=0.2, harm=0)
    score = np.array([1.0, -1.0, 5.0, -2.0])
    assert chosen_within(score, customers, 0.5, only_positive=False).tolist() == [
        True,
        False,
        True,
        False,
    ]
    score[0] = -0.5
    assert chosen_within(score, customers, 0.5, only_positive=True).tolist() == [
        False,
        False,
        True,
        False,
    ]


def test_the_interval_resamples_customers():
    """A gain that one customer repeats a hundred times is one customer's gain: the interval is
    wide.
    """
    gains = np.concatenate([np.full(100, 10.0), np.full(100, 0.0)])
    repeated = np.array(["A"] * 100 + [f"C{row}" for row in range(100)], dtype=object)
    apart = np.array([f"C{row}" for row in range(200)], dtype=object)
    wide, narrow = paired_interval(gains, repeated), paired_interval(gains, apart)
    assert wide[0] == 0
    assert narrow[0] > 3.5
