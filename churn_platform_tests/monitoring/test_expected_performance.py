"""What probabilities promise, and whether outcomes keep it."""

import math
from dataclasses import astuple

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from churn_platform.monitoring.expected_performance import (
    Habit,
    auc_with_error,
    compare,
    learn_habit,
    promise,
    promised_auc,
    ratio_bounds,
)


def operator(customers: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes and the probabilities that they were drawn with."""
    generator = np.random.default_rng(seed)
    probability = generator.beta(0.5, 12, customers)
    return (generator.uniform(size=customers) < probability).astype(np.int8), probability


def test_the_promise_is_a_weighted_auc():
    """Two customers at 0.8 and 0.2: the higher is the churner in 0.64 of the pairs' weight, the
    lower in 0.04.
    """
    pairs = 1.0 * 1.0  # churners promised times stayers promised
    better, equal = 0.8 * 0.8, 0.8 * 0.2 + 0.2 * 0.8
    assert promised_auc(np.array([0.2, 0.8])) == pytest.approx((better + equal / 2) / pairs)


def test_equal_probabilities_promise_a_coin():
    """Ties count half; certainty promises everything; nobody, or nobody who may leave, promises
    nothing.
    """
    assert promised_auc(np.full(7, 0.3)) == pytest.approx(0.5)
    assert promised_auc(np.array([0.0, 0.0, 1.0])) == 1
    assert math.isnan(promised_auc(np.array([])))
    assert math.isnan(promised_auc(np.zeros(3)))


def test_expected_counts_at_the_threshold():
    """Of 1.5 churners promised, 1.3 lie at or above 0.4: recall 1.3/1.5, precision 1.3/2."""
    promised = promise(np.array([0.9, 0.4, 0.2, 0.0]), threshold=0.4)
    assert (promised.recall, promised.precision, promised.churners) == pytest.approx(
        (1.3 / 1.5, 0.65, 1.5)
    )
    assert math.isnan(promise(np.array([0.1]), threshold=0.4).precision)


def test_calibrated_probabilities_keep_their_promise():
    """Over many customers, the AUC and the churners are as promised, within the bounds."""
    outcome = compare(*operator(200_000, seed=1))
    assert abs(outcome.auc_gap) < 3 * outcome.auc_standard_error
    assert outcome.auc_gap_low < 0.005
    assert outcome.churn_ratio_low < 1 < outcome.churn_ratio_high


def test_a_changed_world_breaks_the_promise():
    """Outcomes that do not follow the probabilities: the AUC is a coin's, and the gap is proven."""
    churned, probability = operator(50_000, seed=2)
    outcome = compare(np.random.default_rng(3).permutation(churned), probability)
    assert outcome.auc_gap_low > 0.2


def test_a_changed_mix_keeps_the_promise():
    """Among customers of low risk the AUC falls, and the promise falls with it."""
    churned, probability = operator(400_000, seed=4)
    safe = probability < 0.05
    everyone, part = compare(churned, probability), compare(churned[safe], probability[safe])
    assert part.auc < everyone.auc - 0.04
    assert part.auc_gap_low < 0.005


def test_the_error_is_that_of_repeated_samples():
    """DeLong's standard error agrees with the spread of the AUC over 200 samples."""
    samples = [operator(2_000, seed=seed) for seed in range(200)]
    spread = np.std([roc_auc_score(*sample) for sample in samples])
    auc, error = auc_with_error(*samples[0])
    assert auc == pytest.approx(roc_auc_score(*samples[0]))
    assert error == pytest.approx(spread, rel=0.25)


@pytest.mark.parametrize("churned", [[0, 0, 0], [1, 1, 1], [0, 0, 1], []])
def test_too_few_of_a_kind_give_nan_and_no_error(churned):
    """Without two churners and two stayers no AUC is claimed, and the gap is NaN."""
    outcome = compare(np.array(churned, dtype=np.int8), np.full(len(churned), 0.4))
    assert math.isnan(outcome.auc)
    assert math.isnan(outcome.auc_gap_low)
    assert math.isnan(outcome.churn_ratio) == (churned == [])


def test_bounds_of_a_count():
    """Garwood's table: nobody seen is at most 3.00, ten are 5.43 to 16.96, per churner expected."""
    assert ratio_bounds(0, 1.0) == pytest.approx((0, 2.996), abs=1e-3)
    assert ratio_bounds(10, 2.0) == pytest.approx((5.425 / 2, 16.962 / 2), abs=1e-3)


def test_a_habit_is_taken_off():
    """A model that always promised 0.02 too much, in seasons of 0.8 to 1.3, is not blamed for as
    much again.
    """
    churned, probability = operator(20_000, seed=5)
    plain = compare(churned, probability)
    used = compare(churned, probability, habit=Habit(0.02, 0.0, 0.8, 1.3))
    assert used.auc_gap == pytest.approx(plain.auc_gap - 0.02)
    assert used.churn_ratio == plain.churn_ratio
    assert used.churn_ratio_low == pytest.approx(plain.churn_ratio_low / 1.3)
    assert used.churn_ratio_high == pytest.approx(plain.churn_ratio_high / 0.8)


def test_an_uncertain_habit_widens_the_bound():
    """Where the habit itself is known roughly, the gap must be larger to be proven."""
    churned, probability = operator(20_000, seed=5)
    sure, unsure = (
        compare(churned, probability, habit=Habit(auc_gap_error=error)) for error in (0.0, 0.05)
    )
    assert unsure.auc_gap_low < sure.auc_gap_low


def test_only_proven_seasons_are_habit():
    """100 of 100 and 12 of 10 expected prove nothing; 200 of 100 prove at least 1.77."""
    churned, probability = operator(20_000, seed=6)
    habit = learn_habit(churned, probability, [(100, 100.0), (12, 10.0), (200, 100.0)])
    assert habit.churn_ratio_low == 1
    assert habit.churn_ratio_high == pytest.approx(ratio_bounds(200, 100.0)[0])
    assert 1.75 < habit.churn_ratio_high < 1.79


def test_without_outcomes_there_is_no_habit():
    """Labelled rows of one kind and no months leave everything as promised."""
    assert astuple(learn_habit(np.zeros(5, dtype=np.int8), np.full(5, 0.1), [])) == (0, 0, 1, 1)
