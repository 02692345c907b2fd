"""Two versions on the same customers."""

import numpy as np
import pytest

from churn_platform.experiments.paired import PairedScores, auc_difference, profit_difference
from churn_platform.portfolios.economics import Economics

ECONOMICS = Economics(contact_cost_eur=10, acquisition_cost_eur=200, acceptance_rate=0.5)


def scores(churned, control, challenger) -> PairedScores:
    """Both serve at one half."""
    values = (np.array(churned), np.array(control), np.array(challenger))
    return PairedScores(*values, control_threshold=0.5, challenger_threshold=0.5)


def test_the_difference_of_aucs_and_its_variance_worked_out_by_hand():
    """Churners have 2 and 1 of 2 stayers below them under the control, both 2 under the challenger.

    AUC 0.75 and 1. Differences of churners 0 and 1/2, of stayers 1/2 and 0: variance 1/8 each, and
    1/16 of a mean of two, twice.
    """
    pair = scores([1, 1, 0, 0], [0.9, 0.4, 0.5, 0.1], [0.9, 0.6, 0.5, 0.1])
    found = auc_difference(pair)
    assert found.value == pytest.approx(0.25)
    assert found.variance == pytest.approx(0.125)
    assert found.split_variance == pytest.approx(2 * 0.125)


def test_the_difference_of_profits_worked_out_by_hand():
    """A churner kept brings 100, a contact costs 10: 90, -10, 0, 0 against 90, 0, 0, 0."""
    pair = scores([1, 0, 1, 0], [0.9, 0.1, 0.2, 0.1], [0.9, 0.7, 0.2, 0.1])
    found = profit_difference(pair, ECONOMICS)
    assert found.value == pytest.approx(-2.5)
    assert found.variance == pytest.approx(25 / 4)


def test_the_same_scores_do_not_differ():
    """And nothing is unsure about it."""
    pair = scores([1, 0, 1, 0], [0.9, 0.1, 0.2, 0.1], [0.9, 0.1, 0.2, 0.1])
    assert (auc_difference(pair).value, auc_difference(pair).variance) == (0.0, 0.0)
