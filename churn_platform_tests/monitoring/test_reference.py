"""Which champion a month is about."""

import numpy as np
import pytest

from churn_platform.monitoring.reference import mean_contributions, version_in_force
from churn_platform.promotion.champion import Reign
from churn_platform_tests.support.tiny import APRIL, FEBRUARY, JANUARY, MARCH, customers, fit_tiny

REIGNS = [Reign(FEBRUARY, 1), Reign(APRIL, 3)]


@pytest.mark.parametrize(
    ("month", "version"),
    [(JANUARY, None), (FEBRUARY, 1), (MARCH, 1), (APRIL, 1), (APRIL.replace(month=5), 3)],
)
def test_a_month_is_about_the_champion_it_found(month, version):
    """The one that an earlier month made; the very first also in its own month."""
    assert version_in_force(REIGNS, month) == version


def test_later_champions_change_nothing():
    """As seen in March, before April's training: the same champion."""
    assert version_in_force(REIGNS[:1], MARCH) == version_in_force(REIGNS, MARCH)
    assert version_in_force([], MARCH) is None


def test_who_was_brought_back_is_watched():
    """From the month on that had made the version which was withdrawn."""
    assert version_in_force([*REIGNS, Reign(APRIL, 1)], APRIL.replace(month=5)) == 1


def test_importance_is_the_mean_size_of_contributions():
    """By name, positive, and largest for what drives churn most: use, in the tiny operator."""
    model = fit_tiny("logistic_regression")
    features = customers(300, seed=9).features
    importances = mean_contributions(model, features)
    assert importances["tickets"] == pytest.approx(
        np.abs(model.contributions(features)[:, 1]).mean()
    )
    assert max(importances, key=importances.__getitem__) in ("usage", "tickets")
