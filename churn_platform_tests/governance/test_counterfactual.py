"""The smallest change that helps, worked out on a model simple enough to do it by hand."""

import numpy as np
import pytest
from scipy.special import expit

from churn_platform.governance.counterfactual import find_counterfactual
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.worked_examples import IS_LATE, PLAN, TICKETS, USAGE, model

CUSTOMER = np.array([50, 2, 1, 0], dtype=np.float32)  # log-odds 3
OTHERS = np.array(
    [
        [usage, tickets, late, plan]
        for usage in (40, 50, 60, 70)
        for tickets in (0, 1, 2)
        for late in (0, 1)
        for plan in (0, 2)
    ],
    dtype=np.float32,
)


def found(below_log_odds: float, others=OTHERS, customer=CUSTOMER, **actionable):
    """(feature, value) of every change of the counterfactual; None where there is none."""
    it = find_counterfactual(
        model(**actionable), customer, others, below=float(expit(below_log_odds))
    )
    return it and [(change.place, change.after) for change in it.changes]


def test_the_cheapest_single_change_is_taken():
    """Below log-odds 2.5, one ticket less (a third of customers between) costs less than another
    plan (1).
    """
    assert found(2.5, tickets="lower", plan="any") == [(TICKETS, 1)]


def test_one_change_is_preferred_to_two():
    """Below 0.5 the yearly plan alone is enough, although two cheaper changes might be too."""
    assert found(0.5, tickets="lower", is_late="lower", plan="any") == [(PLAN, 2)]


def test_two_changes_where_one_is_not_enough():
    """Below -0.5 neither plan (0) nor tickets (1) suffices alone; one ticket less and the plan make
    -1.
    """
    assert found(-0.5, tickets="lower", plan="any") == [(TICKETS, 1), (PLAN, 2)]


def test_only_the_allowed_direction_is_tried():
    """More usage lowers the risk; where it can only be lowered, there is no way."""
    assert found(2.5, usage="higher") == [(USAGE, 60)]
    assert found(2.5, usage="lower") is None


def test_nothing_to_act_on_gives_none():
    """Without an actionable feature, and where two changes are too few, the answer is that there is
    none.
    """
    assert found(2.5) is None
    assert found(-9, tickets="lower", plan="any") is None


@invariant("Governance", "A counterfactual never proposes a combination that no customer has.")
def test_a_combination_nobody_has_is_not_proposed():
    """Where yearly customers are never late, going yearly goes with paying in time."""
    others = OTHERS[~((OTHERS[:, PLAN] == 2) & (OTHERS[:, IS_LATE] == 1))]
    assert found(0.5, others, plan="any") is None
    assert found(0.5, others, plan="any", is_late="lower") == [(IS_LATE, 0), (PLAN, 2)]


def test_what_is_unknown_stays_unknown():
    """A missing value is no value to move from."""
    customer = np.array([np.nan, 2, 1, 0], dtype=np.float32)
    assert found(2.5, customer=customer, usage="higher") is None


def test_the_probability_is_the_models():
    """The counterfactual carries the probability of the changed customer; the customer itself is
    untouched.
    """
    before = CUSTOMER.copy()
    it = find_counterfactual(model(tickets="lower"), CUSTOMER, OTHERS, below=float(expit(2.5)))
    assert it.churn_probability == pytest.approx(expit(2.0))
    np.testing.assert_array_equal(CUSTOMER, before)
