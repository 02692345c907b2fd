"""Whether customers are split as planned."""

from math import exp

import numpy as np
import pytest

from churn_platform.experiments.sample_ratio import (
    log_bayes_factor,
    monthly_p_value,
    sequential_p_value,
)


@pytest.mark.parametrize(
    ("counts", "factor"),
    [([1, 0], 1.0), ([2, 0], (1 / 3) / (1 / 4)), ([1, 1], (1 / 6) / (1 / 4))],
)
def test_the_factor_is_that_of_an_urn_worked_out_by_hand(counts, factor):
    """With weights of one each, two customers of one arm have the chance 1/2 * 2/3 = 1/3."""
    halves = np.array([0.5, 0.5])
    found = log_bayes_factor(np.array(counts, dtype=float), halves, 2.0)
    assert exp(found) == pytest.approx(factor)


def test_an_even_split_of_many_customers_is_no_mismatch():
    """No number of customers overflows."""
    assert sequential_p_value([1_000_000, 1_000_100], [0.5, 0.5]) == 1.0


def test_a_tenth_that_became_nine_and_a_half_per_cent_is_found():
    """100,000 customers, of whom 9,500 are there where 10,000 were planned."""
    assert sequential_p_value([90_500, 9_500], [0.9, 0.1]) < 0.001


def test_a_customer_in_an_arm_without_a_share_is_a_mismatch():
    """No chance explains it."""
    assert sequential_p_value([100, 1], [1.0, 0.0]) < 1e-300


def test_one_look_is_judged_by_chi_square():
    """520 of 1,000: 20 too many on one side and too few on the other, chi-square 1.6."""
    assert monthly_p_value([520, 480], [0.5, 0.5]) == pytest.approx(0.2059, abs=1e-4)
    assert monthly_p_value([0, 0], [0.5, 0.5]) == 1.0
