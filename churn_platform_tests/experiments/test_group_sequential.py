"""Bounds of planned looks, beside published tables."""

import numpy as np
import pytest

from churn_platform.experiments.group_sequential import (
    KEPT_BACK,
    drift_needed,
    even_looks,
    plan_looks,
    power_of,
    spent,
)

# Lan-DeMets, O'Brien-Fleming-like, two-sided 0.05, as in Proschan, Lan & Wittes (2006), and in the
# tables of SAS' SEQDESIGN and of R's gsDesign and ldbounds.
PUBLISHED = {
    1: [1.960],
    2: [2.963, 1.969],
    3: [3.710, 2.511, 1.993],
    4: [4.333, 2.963, 2.359, 2.014],
    5: [4.877, 3.357, 2.680, 2.290, 2.031],
}
# Of which so much is spent as the tables spend.
ALPHA = 0.05 / (1 - KEPT_BACK)


@pytest.mark.parametrize("looks", PUBLISHED)
def test_equal_looks_have_the_published_bounds(looks):
    """To three digits, as the tables have them."""
    bounds = [look.bound for look in even_looks(looks, alpha=ALPHA)]
    assert bounds == pytest.approx(PUBLISHED[looks], abs=0.0015)


def test_all_of_the_error_is_spent_at_the_end_and_hardly_any_at_the_start():
    """The second value is 4 * (1 - Phi(2.2414 / sqrt(0.2))), 5.0123 standard errors."""
    assert spent(1.0, alpha=0.05) == pytest.approx(0.05)
    assert spent(0.2, alpha=0.05) == pytest.approx(1.08e-6, rel=0.02)
    assert spent(0.0, alpha=0.05) == 0.0


def test_without_a_difference_a_bound_is_crossed_as_often_as_was_allowed():
    """The chance to cross any bound at a drift of nil is what is spent, for uneven looks too."""
    looks = plan_looks([0.1, 0.55, 0.8, 1.0], alpha=ALPHA)
    assert power_of(looks, 0.0) == pytest.approx(0.05, abs=1e-5)


def test_the_power_of_five_looks_is_that_of_simulated_experiments():
    """100,000 random walks with the drift of one look's power of 80 %: 2.8016."""
    looks = even_looks(5, alpha=0.05)
    steps = np.random.default_rng(1).normal(2.8016 / 5, 0.2**0.5, (100_000, 5))
    sums = np.abs(steps.cumsum(axis=1))
    edges = [look.bound * look.information**0.5 for look in looks]
    simulated = (sums > edges).any(axis=1).mean()
    assert power_of(looks, 2.8016) == pytest.approx(simulated, abs=0.004)


def test_more_looks_cost_few_customers():
    """For 80 % power five looks need 2.5 % more than one, whose z has the mean 1.96 + 0.84."""
    one = drift_needed(1, power=0.8, alpha=ALPHA)
    five = drift_needed(5, power=0.8, alpha=ALPHA)
    assert one == pytest.approx(1.96 + 0.8416, abs=1e-3)
    assert (five / one) ** 2 == pytest.approx(1.025, abs=0.001)


def test_the_part_that_is_kept_back_makes_up_for_customers_who_stay():
    """Twelve looks whose every month shares customers with those before: increments of the sum then
    fall by a hundredth of what has come before, and false alarms are at most 5 %.
    """
    looks = even_looks(12, alpha=0.05)
    generator = np.random.default_rng(1)
    sums = np.zeros((200_000, 1))
    for number in range(12):
        step = generator.normal(0, (1 + 0.02 * number) ** 0.5, (len(sums), 1))
        sums = np.hstack([sums, 0.99 * sums[:, -1:] + step])

    z = np.abs(sums[:, 1:]) / np.arange(1, 13) ** 0.5
    crossed = (z > [look.bound for look in looks]).any(axis=1).mean()
    assert crossed <= 0.05
    assert looks[-1].alpha_spent == pytest.approx(0.05)


def test_a_very_early_look_has_a_bound_that_nothing_crosses():
    """A hundredth of the information has no error to spend."""
    assert plan_looks([0.001, 1.0], alpha=0.05)[0].bound == 12.0
