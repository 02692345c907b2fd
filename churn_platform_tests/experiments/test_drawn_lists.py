"""Which of two lists earns more."""

import numpy as np
import pytest

from churn_platform.experiments.drawn_lists import Drawn, list_difference

CONTACTED = np.ones(5, dtype=bool)


def test_the_difference_is_by_the_list_that_was_drawn():
    """Means 100 and 50; variances 20,000 / 2 and 7,500 / 3, contacted or not."""
    to_challenger = np.array([True, True, False, False, False])
    net_eur = np.array([0.0, 200.0, 0.0, 0.0, 150.0])
    found = list_difference(Drawn(to_challenger, CONTACTED, net_eur))
    assert found.value == pytest.approx(50.0)
    assert found.variance == pytest.approx(10_000 + 2_500)


def test_one_customer_on_a_side_says_nothing():
    """There is no variance to judge it by."""
    to_challenger = np.array([True, False, False, False, False])
    assert list_difference(Drawn(to_challenger, CONTACTED, np.zeros(5))) is None
