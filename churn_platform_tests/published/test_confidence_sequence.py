"""Bounds that hold at every look at once."""

import math

import numpy as np
import pytest

from churn_platform.published.confidence_sequence import (
    Sums,
    difference_at_least,
    multiple_of_error,
    multiple_of_error_below,
    share_at_least,
)


def test_the_multiples_are_those_of_the_formula():
    """By hand at alpha 0.05 and the planned size: u = 8.212 solves u = log(1 + u) - 2 log 0.05, so
    the multiple is sqrt((u + 1) / u * u); one-sided u is that of 0.1.
    """
    assert multiple_of_error(1.0, alpha=0.05) == pytest.approx(math.sqrt(9.212), abs=1e-3)
    below = math.sqrt(2 * 7.638 / 6.638 * math.log(1 + math.sqrt(7.638) / 0.1))
    assert multiple_of_error_below(1.0, alpha=0.05) == pytest.approx(below, abs=1e-3)


@pytest.mark.parametrize("fraction", [0.01, 0.1, 10.0, 100.0])
def test_the_interval_is_narrowest_where_it_was_planned(fraction):
    """Before and after, more standard errors are needed."""
    assert multiple_of_error(fraction, alpha=0.05) > multiple_of_error(1.0, alpha=0.05)


def test_a_difference_is_the_means_less_their_error():
    """40 of 50 against 10 of 50: 0.6, and each mean has the variance 0.16 / 50."""
    treated, control = Sums(50, 40, 40), Sums(50, 10, 10)
    error = math.sqrt(2 * 0.16 / 50) * multiple_of_error_below(1.0, alpha=0.01)
    found = difference_at_least(treated, control, planned=100, alpha=0.01)
    assert found == pytest.approx(0.6 - error)


def test_without_values_nothing_is_known():
    """And a stream that never varied is not taken for one that cannot."""
    assert difference_at_least(Sums(), Sums(9, 9, 9), planned=100, alpha=0.01) == -math.inf
    none, all_of_them = Sums(50), Sums(50, 50, 50)
    assert none.variance_of_mean() == all_of_them.variance_of_mean() == 0
    assert none.variance_of_mean(deviation=0.5) == pytest.approx(0.25 / 51 / 50)


def test_a_stream_without_harm_is_rarely_alarmed_however_often_it_is_looked_at():
    """200 pairs of streams of rare events, looked at after each of 400 pairs of answers: at an
    alpha of 0.05 at most one in twenty.
    """
    events = np.random.default_rng(7).random((200, 2, 400)) < 0.05
    sums = events.cumsum(axis=2)
    alarms = 0
    for treated, control in sums:
        looks = range(50, 400, 5)
        alarms += any(
            difference_at_least(
                Sums(look, treated[look - 1], treated[look - 1]),
                Sums(look, control[look - 1], control[look - 1]),
                planned=400,
                alpha=0.05,
                deviation=0.5,
            )
            > 0
            for look in looks
        )
    assert alarms <= 10


def test_a_share_is_bounded_from_the_first_events_on():
    """By hand: two of two at alpha 0.01 refute each p with (0.5 / p) ** 2 >= 100: up to 0.05."""
    assert share_at_least(2, 2, alpha=0.01) == pytest.approx(0.05)
    assert share_at_least(0, 50, alpha=0.01) == 0.0
    assert share_at_least(1, 1_000, alpha=0.01) < 0.001
