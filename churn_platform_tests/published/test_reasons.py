"""Which features are the reasons of a score."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from churn_platform.published.reasons import TOP, strongest, strongest_of_one
from churn_platform_tests.support.invariants import invariant

GROUPS = ("usage", "usage", "calls", "calls", "plan")


def of_many(raising: list[float], groups: tuple[str, ...]) -> list[int]:
    """The reasons of one customer, by the form for many."""
    found = strongest(np.array([raising]), groups)[0]
    return [place for place in found.tolist() if place >= 0]


def test_the_strongest_of_each_group_comes_first():
    """Two of the group that leads do not fill the list; ties go to the first place."""
    raising = [0.9, 0.8, 0.1, 0.2, 0.1]
    assert of_many(raising, GROUPS) == [0, 3, 4]
    assert strongest_of_one(dict(enumerate(raising)), GROUPS) == [0, 3, 4]


def test_what_raises_no_risk_is_no_reason():
    """Neither a feature that lowers it, nor one that changes nothing."""
    assert of_many([0.0, -1.0, 0.5, 0.0, -0.1], GROUPS) == [2]
    assert strongest_of_one({0: 0.0, 1: -1.0, 2: 0.5}, GROUPS) == [2]


@invariant("Service", "The monthly scores and the service name reasons by one rule.")
@given(
    st.lists(
        st.tuples(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0, 2.0]), st.sampled_from("abcd")),
        min_size=1,
        max_size=9,
    )
)
def test_both_forms_are_one_rule(drawn: list[tuple[float, str]]):
    """Whatever the contributions and groups are, ties included."""
    raising = [size for size, _ in drawn]
    groups = tuple(group for _, group in drawn)
    one = strongest_of_one(dict(enumerate(raising)), groups)
    assert one == of_many(raising, groups)
    assert len(one) <= TOP
