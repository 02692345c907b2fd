"""Which champion a month is about."""

import numpy as np
import pytest

from churn_platform.monitoring.decision import Training
from churn_platform.monitoring.watched import mean_contributions, version_in_force
from churn_platform_tests.tiny import APRIL, FEBRUARY, JANUARY, MARCH, customers, fit_tiny

TRAININGS = [(Training(FEBRUARY, True), 1), (Training(MARCH, False), 2), (Training(APRIL, True), 3)]


@pytest.mark.parametrize(
    ("month", "version"),
    [(JANUARY, None), (FEBRUARY, 1), (MARCH, 1), (APRIL, 1), (APRIL.replace(month=5), 3)],
)
def test_a_month_is_about_the_champion_it_found(month, version):
    """The one promoted before it; the very first also in its own month; refused versions never."""
    assert version_in_force(TRAININGS, month) == version


def test_later_trainings_change_nothing():
    """As seen in March, before April's training: the same champion."""
    assert version_in_force(TRAININGS[:2], MARCH) == version_in_force(TRAININGS, MARCH)
    assert version_in_force([], MARCH) is None


def test_importance_is_the_mean_size_of_contributions():
    """By name, positive, and largest for what drives churn most: use, in the tiny operator."""
    model = fit_tiny("logistic_regression")
    features = customers(300, seed=9).features
    importances = mean_contributions(model, features)
    assert importances["tickets"] == pytest.approx(np.abs(model.contributions(features)[:, 1]).mean())
    assert max(importances, key=importances.__getitem__) in ("usage", "tickets")
