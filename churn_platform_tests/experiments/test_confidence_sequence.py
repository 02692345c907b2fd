"""Intervals that hold at every look."""

from math import log, sqrt

import pytest

from churn_platform.experiments.confidence_sequence import (
    confidence_sequence,
    has_enough_events,
    lower_bound,
    multiple_of_error,
)


def test_the_interval_is_that_of_the_paper_worked_out_by_hand():
    """u = log(1 + u) + 5.9915 is solved by 8.2111, of which half the size has 4.1056."""
    by_hand = sqrt(5.1056 / 4.1056 * (log(5.1056) + 5.9915))
    assert multiple_of_error(0.5, alpha=0.05) == pytest.approx(by_hand, rel=1e-4)
    low, high = confidence_sequence(0.1, 0.0004, fraction=0.5, alpha=0.05)
    assert (low, high) == pytest.approx((0.1 - 0.02 * by_hand, 0.1 + 0.02 * by_hand), rel=1e-4)


def test_at_the_planned_size_the_interval_reaches_to_the_root_of_one_plus_u():
    """There (u + 1) / u * u is left of the formula: about 3.03 standard errors, against 1.96."""
    assert multiple_of_error(1.0, alpha=0.05) == pytest.approx(sqrt(9.2111), rel=1e-4)


def test_in_standard_errors_no_size_is_narrower_relative_to_its_plan():
    """The width at the planned size is least for the plan that names this size."""
    planned = multiple_of_error(1.0, alpha=0.05)
    assert planned < multiple_of_error(0.25, alpha=0.05)
    assert planned < multiple_of_error(4.0, alpha=0.05)


def test_a_test_for_harm_alone_is_the_nearer_bound():
    """One side of the error buys a bound nearer to the estimate."""
    two_sided, _ = confidence_sequence(0.1, 0.0004, fraction=1.0, alpha=0.05)
    assert two_sided < lower_bound(0.1, 0.0004, fraction=1.0, alpha=0.05) < 0.1


@pytest.mark.parametrize(("events", "enough"), [((20, 400), True), ((19, 400), False)])
def test_an_arm_with_few_events_bounds_nothing(events, enough):
    """Each arm needs twenty."""
    assert has_enough_events(*events) is enough
