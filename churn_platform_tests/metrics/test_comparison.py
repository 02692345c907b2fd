"""The difference of two AUCs on the same customers, and how sure it is."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from churn_platform.metrics.comparison import Difference, auc_difference, resampled_differences
from churn_platform.metrics.intervals import placements


def scores(seed: int, strength: float, *, rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes of customers and scores that know of them as strongly as asked."""
    generator = np.random.default_rng(seed)
    churned = (generator.uniform(size=rows) < 0.3).astype(np.int8)
    return churned, churned * strength + generator.normal(size=rows)


def test_a_model_does_not_beat_itself():
    """Identical scores give a difference of exactly zero, interval and all."""
    churned, score = scores(1, 1.0)
    assert auc_difference(churned, score, score, replicates=50, seed=1) == Difference(0.0, 0.0, 0.0)


def test_only_the_ranking_counts():
    """Scores that rank alike differ by nothing."""
    churned, score = scores(1, 1.0)
    assert auc_difference(churned, score, np.exp(score) * 3, replicates=50, seed=1).high == 0


def test_the_estimate_is_the_difference_of_aucs():
    """It agrees with scikit-learn, ties included, and lies within its interval."""
    churned, first = scores(1, 1.5)
    second = np.round(scores(1, 0.5)[1], 1)
    difference = auc_difference(churned, first, second, replicates=200, seed=1)
    assert difference.estimate == pytest.approx(
        roc_auc_score(churned, first) - roc_auc_score(churned, second)
    )
    assert 0 < difference.low < difference.estimate < difference.high


def test_exchanged_models_have_the_opposite_difference():
    """Challenger against champion is the mirror of champion against challenger."""
    churned, first = scores(2, 1.0)
    second = first + np.random.default_rng(9).normal(size=400)
    there = auc_difference(churned, first, second, replicates=100, seed=1)
    back = auc_difference(churned, second, first, replicates=100, seed=1)
    assert (there.estimate, there.low, there.high) == pytest.approx(
        (-back.estimate, -back.high, -back.low)
    )


def test_the_seed_decides_the_interval():
    """One seed gives one interval, another seed another."""
    churned, first = scores(3, 1.0)
    second = np.random.default_rng(4).normal(size=400)
    one, again, other = (
        auc_difference(churned, first, second, replicates=100, seed=seed) for seed in (1, 1, 2)
    )
    assert one == again
    assert one.low != other.low
    assert one.estimate == other.estimate


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Two equally good noisy scores differ by zero; of 150 worlds the 99 % interval misses it in
    one or two.
    """
    covered = 0
    for world in range(150):
        generator = np.random.default_rng(world)
        churned = (generator.uniform(size=300) < 0.3).astype(np.int8)
        first, second = (churned + generator.normal(size=300) for _ in range(2))
        difference = auc_difference(churned, first, second, replicates=1_000, seed=world)
        covered += difference.low <= 0 <= difference.high
    assert 144 <= covered <= 150


def order_of_pairs(churned: np.ndarray, score: np.ndarray) -> np.ndarray:
    """For each churner and each stayer 1 if the churner has the higher score, 1/2 if both have the
    same: their mean is the AUC.
    """
    churners, stayers = score[churned == 1][:, None], score[churned == 0]
    return (churners > stayers) + 0.5 * (churners == stayers)


def aucs_of_resamples(
    churned: np.ndarray, first: np.ndarray, second: np.ndarray, replicates: int
) -> np.ndarray:
    """Differences of AUCs on stratified resamples of whole customers, each over all its pairs."""
    difference = order_of_pairs(churned, first) - order_of_pairs(churned, second)
    generator = np.random.default_rng(1)
    # How often each customer is drawn, per resample.
    churners, stayers = (
        generator.multinomial(size, np.full(size, 1 / size), size=replicates)
        for size in difference.shape
    )
    return np.einsum("rc,cs,rs->r", churners, difference, stayers, optimize=True) / difference.size


def test_the_mean_order_of_pairs_is_the_auc():
    """The yardstick of the test below agrees with scikit-learn, ties included."""
    churned, score = scores(1, 1.0)
    score = np.round(score, 1)
    assert order_of_pairs(churned, score).mean() == pytest.approx(roc_auc_score(churned, score))


@pytest.mark.parametrize("likeness", [0.5, 1.0])
def test_it_is_the_bootstrap_of_whole_customers(likeness):
    """Resampling placements gives the draws of resampling customers, for models alike and less
    alike.
    """
    churned, first = scores(5, 1.0)
    second = first + likeness * np.random.default_rng(6).normal(size=400)
    slow = aucs_of_resamples(churned, first, second, 1_000)
    estimate, fast = resampled_differences(churned, first, second, replicates=4_000, seed=1)
    assert fast.mean() == pytest.approx(estimate, abs=0.1 * slow.std())
    assert np.quantile(fast, [0.05, 0.5, 0.95]) == pytest.approx(
        np.quantile(slow, [0.05, 0.5, 0.95]), abs=0.3 * slow.std()
    )
    assert fast.std() == pytest.approx(slow.std(), rel=0.08)


def test_groups_of_near_values_keep_the_spread():
    """With far more customers than groups the spread is still that of DeLong's variance."""
    churned, first = scores(7, 1.0, rows=30_000)
    second = first + 0.01 * np.random.default_rng(8).normal(size=30_000)
    pairs = zip(placements(churned, first), placements(churned, second), strict=True)
    spread = sum((one - other).var(ddof=1) / len(one) for one, other in pairs) ** 0.5
    _, drawn = resampled_differences(churned, first, second, replicates=4_000, seed=1)
    assert drawn.std() == pytest.approx(spread, rel=0.04)
