"""The interval of a cross-validated figure, by hand."""

import numpy as np
import pytest

from churn_platform.training.cross_validation import mean_interval


def test_the_interval_is_the_corrected_one():
    """Scores 0.7 to 0.9 in five folds: s2 = 0.00625, so the error is sqrt(s2 x (1/5 + 1/4)) =
    0.05303; t of 4 degrees is 2.7764, so the half is 0.1472. The plain one would be 0.0982.
    """
    low, high = mean_interval(np.array([0.7, 0.75, 0.8, 0.85, 0.9]))
    assert (low, high) == (pytest.approx(0.6528, abs=1e-4), pytest.approx(0.9472, abs=1e-4))


def test_folds_that_agree_leave_no_doubt():
    """The interval is the mean."""
    assert mean_interval(np.full(5, 0.75)) == (0.75, 0.75)
