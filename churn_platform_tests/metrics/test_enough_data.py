"""One verdict on the data, from counts alone."""

import numpy as np
import pytest

from churn_platform.metrics.enough_data import auc_precision, judge_data
from churn_platform.metrics.intervals import auc_interval


@pytest.mark.parametrize(
    ("churned", "stayed", "answer", "said"),
    [
        (49, 5000, "not enough", "at least 50 who churned"),
        (5000, 49, "not enough", "at least 50 who stayed"),
        (87, 213, "barely enough", "Some 800 churned customers would give 0.05"),
        (1869, 5174, "enough", "1,869 of 7,043 customers with a label churned"),
    ],
)
def test_the_verdict_follows_from_the_counts(
    churned: int, stayed: int, answer: str, said: str
) -> None:
    """It has one answer, and a reason with the counts."""
    verdict = judge_data(churned=churned, stayed=stayed, holdout_share=0.2)
    assert (verdict.answer, said in verdict.reason) == (answer, True)


def test_the_precision_is_that_of_a_measured_auc() -> None:
    """On scores whose AUC is 0.75 the interval by DeLong is about as wide."""
    generator = np.random.default_rng(7)
    churned = np.repeat([1, 0], [400, 1200])
    scores = generator.normal(loc=0.954 * churned)
    low, high = auc_interval(churned, scores)
    assert (high - low) / 2 == pytest.approx(auc_precision(400, 1200), rel=0.1)
