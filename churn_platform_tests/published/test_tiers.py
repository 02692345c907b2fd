"""One rule for tiers, in two forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_platform.published.tiers import tier_place, tier_places
from churn_platform_tests.support.invariants import invariant

BOUNDS = [0.5, 0.2, 0.2, 0.0]


def test_a_bound_belongs_to_its_tier():
    """At a bound the higher tier begins; of tiers that share one, the higher; below lies the
    last.
    """
    probability = np.array([1.0, 0.5, 0.4999, 0.2, 0.1999, 0.0])
    assert tier_places(probability, BOUNDS).tolist() == [0, 0, 1, 1, 3, 3]


@invariant("Service", "The monthly scores and the service place a score in a tier by one rule.")
@given(st.lists(st.floats(0, 1), max_size=5))
def test_both_tier_forms_are_one_rule(probability: list[float]):
    """For one customer as for many, at each bound and between."""
    many = tier_places(np.array([*probability, *BOUNDS]), BOUNDS).tolist()
    assert many == [tier_place(one, BOUNDS) for one in [*probability, *BOUNDS]]


def test_what_no_tier_holds_is_an_error_in_both():
    """A probability that is not a number must not count as the highest tier."""
    with pytest.raises(ValueError, match="no tier holds nan"):
        tier_place(float("nan"), BOUNDS)
    with pytest.raises(ValueError, match="no tier holds nan"):
        tier_places(np.array([0.3, np.nan]), BOUNDS)
