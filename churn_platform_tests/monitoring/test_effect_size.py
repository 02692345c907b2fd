"""Effect sizes on literal samples, worked out by hand."""

import math

import numpy as np
import pytest

from churn_platform.monitoring.effect_size import (
    Bins,
    feature_bins,
    jensen_shannon,
    number_bins,
    psi,
)
from churn_platform_tests.support.tiny import TINY

NAN = np.nan


def test_psi_is_the_sum_of_its_definition():
    """Shares 1/4, 3/4 against 3/4, 1/4, after smoothing by half a row: 2 x (1/2) x ln 3."""
    before, after = np.array([0.5, 2.5]), np.array([2.5, 0.5])
    assert psi(before, after) == pytest.approx(2 * 0.5 * math.log(3))


def test_equal_shares_do_not_differ_whatever_the_rows():
    """The same shares of ten and of ten thousand rows are hardly apart, and identical histograms
    not at all.
    """
    assert psi(np.array([3, 5, 2]), np.array([3, 5, 2])) == 0
    assert psi(np.array([3000, 5000, 2000]), np.array([3, 5, 2])) < 0.01


def test_an_emptied_bin_is_costly_but_finite():
    """A level that vanished gives a number, larger with more rows to prove it."""
    few, many = (psi(np.array([n, n]), np.array([2 * n, 0])) for n in (10, 10_000))
    assert 0.5 < few < many < 10


def test_jensen_shannon_runs_from_0_to_1():
    """Alike is 0, nothing in common is 1, nothing to compare is NaN."""
    assert jensen_shannon(np.array([4, 4]), np.array([1, 1])) == 0
    assert jensen_shannon(np.array([4, 0]), np.array([0, 9])) == 1
    assert math.isnan(jensen_shannon(np.array([4, 0]), np.array([0, 0])))


def test_bins_follow_the_reference():
    """Deciles of 1 to 10, one bin below the range, one above, one for missing values."""
    bins = number_bins(np.arange(1.0, 11.0))
    assert bins.count(np.arange(1.0, 11.0)).tolist() == [0, *[1] * 10, 0, 0]
    assert bins.count(np.array([0.0, 99.0, 99.0, NAN])).tolist() == [1, *[0] * 10, 2, 1]


def test_a_mass_at_one_value_stays_together():
    """Where nine in ten are zero, zero is a bin of its own and what lies above another."""
    bins = number_bins(np.array([0.0] * 9 + [5.0]))
    assert bins.count(np.array([0.0, 0.0, 1.0, 5.0, 6.0, -1.0])).tolist() == [1, 2, 2, 1, 0]


def test_a_constant_and_an_empty_reference_have_bins():
    """A constant is told from what lies below and above it; without any value, known and missing
    are told apart.
    """
    assert number_bins(np.array([3.0, 3.0])).count(np.array([2.0, 3.0, 4.0, NAN])).tolist() == [
        1,
        1,
        1,
        1,
    ]
    assert number_bins(np.array([NAN])).count(np.array([1.0, NAN, NAN])).tolist() == [1, 2]


def test_categories_have_a_bin_per_level():
    """Levels and booleans are counted one by one, with missing values last, also those the
    reference lacks.
    """
    assert feature_bins(np.array([0.0, 0.0]), TINY.feature("plan")).count(
        np.array([0, 2, 2, NAN])
    ).tolist() == [
        1,
        0,
        2,
        1,
    ]
    assert feature_bins(np.array([1.0]), TINY.feature("is_late")).count(
        np.array([0, 1, 1])
    ).tolist() == [1, 2, 0]


def test_counts_add_up():
    """Every row falls into exactly one bin, infinite values too."""
    values = np.array([-np.inf, np.inf, NAN, 0.5])
    assert Bins(np.array([0.0, 1.0])).count(values).tolist() == [1, 1, 1, 1]
