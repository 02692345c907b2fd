"""Who is in which arm: known from id and salt alone, and kept while weights grow."""

import msgspec
import pytest

from churn_platform.published.assignment import arm_at, assigned_arm, places
from churn_platform.published.experiment import CONTROL, TREATED, LiveExperiment, two_arms

IDS = [f"C{number}" for number in range(4000)]
FIRST_PLACE = 0.801344994555749


def experiment(weight: float, salt: str = "s1") -> LiveExperiment:
    """Version 2 against champion 1."""
    return LiveExperiment(
        name="trial",
        spec_hash="h",
        salt=salt,
        question="is_safe",
        step="slice",
        arms=two_arms(champion=1, challenger=2, weight=weight),
    )


def members(weight: float, arm: str, salt: str = "s1") -> set[str]:
    """Customers of an arm."""
    return {name for name in IDS if assigned_arm(experiment(weight, salt), name) == arm}


def test_the_slices_are_of_equal_size_and_everyone_else_is_in_none():
    """A tenth each, and nobody in both."""
    treated, control = members(0.1, TREATED), members(0.1, CONTROL)
    assert not treated & control
    assert len(treated) / 4000 == pytest.approx(0.1, abs=0.02)
    assert len(control) / 4000 == pytest.approx(0.1, abs=0.02)


def test_an_arm_keeps_its_customers_while_weights_grow():
    """From a slice to nearly all: who had the challenger has it, and the control grows until the
    arms meet.
    """
    assert members(0.05, TREATED) < members(0.3, TREATED) < members(0.9, TREATED)
    assert members(0.05, CONTROL) < members(0.5, CONTROL)
    assert members(0.9, TREATED) | members(0.9, CONTROL) == set(IDS)


def test_another_start_deals_anew():
    """Those who had the last challenger are not those who get the next."""
    both = members(0.5, TREATED) & members(0.5, TREATED, salt="s2")
    assert len(both) / 4000 == pytest.approx(0.25, abs=0.03)


def test_places_of_many_are_those_of_each():
    """The vector for lists and analysis, and the value that must never change: it is in logs."""
    found = places(IDS[:3], "s1")
    arms = [arm_at(place, challenger_weight=0.5, control_weight=0.5) for place in found]
    assert arms == [assigned_arm(experiment(0.5), name) for name in IDS[:3]]
    assert found[0] == pytest.approx(FIRST_PLACE)


def test_an_experiment_in_shadow_has_nobody_in_an_arm():
    """The champion answers everyone."""
    shadow = msgspec.structs.replace(experiment(0.0), is_shadow=True)
    assert {assigned_arm(shadow, name) for name in IDS[:100]} == {None}
