"""Logistic regression: contributions are coefficient times value, and gaps count as the median."""

import numpy as np
import pytest

from churn_platform.portfolios.spec import Feature
from churn_platform.training.candidates import logistic_regression
from churn_platform.training.training_data import Labelled

FEATURES = [
    Feature(name="x", type="number", group="g", description="d", reason="r"),
    Feature(
        name="plan", type="category", levels=("a", "b"), group="g", description="d", reason="r"
    ),
]


@pytest.fixture(scope="module")
def estimator():
    """Who has a high x leaves, as do those of plan b."""
    x = np.tile(np.float32([0, 1, 2, 3]), 50)
    plan = np.repeat(np.float32([0, 1]), 100)
    churned = (x + 2 * plan > 2.5).astype(np.int8)
    rows = Labelled(np.column_stack([x, plan]), churned, np.arange(200).astype(str))
    return logistic_regression.fit(FEATURES, rows, {"C": 1.0}, seed=1, threads=1)


def test_contributions_add_up_to_the_log_odds(estimator):
    """But for one constant, which is the same for everybody."""
    rows = np.float32([[0, 0], [3, 0], [1, 1], [np.nan, 1]])
    probability = estimator.predict_proba(rows)[:, 1]
    odds = np.log(probability / (1 - probability))
    rest = odds - logistic_regression.contributions(estimator, rows).sum(axis=1)
    assert rest == pytest.approx(np.full(4, rest[0]))
    assert rest[0] == pytest.approx(estimator["model"].intercept_[0])


def test_each_feature_has_its_own_contribution(estimator):
    """Another x moves that of x alone, upwards; another plan that of the plan."""
    low, high, other = logistic_regression.contributions(
        estimator, np.float32([[0, 0], [3, 0], [0, 1]])
    )
    assert (high[0] > low[0], high[1]) == (True, low[1])
    assert (other[1] > low[1], other[0]) == (True, low[0])


def test_a_gap_is_the_median_and_an_unknown_level_is_none(estimator):
    """The median of x is 1.5; a plan that nobody has heard of adds nothing."""
    gap, median = estimator.predict_proba(np.float32([[np.nan, 0], [1.5, 0]]))[:, 1]
    assert gap == median
    (unknown,) = logistic_regression.contributions(estimator, np.float32([[0, 7]]))
    assert unknown[1] == 0
