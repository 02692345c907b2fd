"""What is known of the version that a month's governance is about."""

from types import SimpleNamespace

import numpy as np
import pytest

from churn_platform.governance.evaluated_version import Examined
from churn_platform.training.training_data import Labelled
from churn_platform_tests.support.tiny import MARCH, TINY


@pytest.fixture
def examined() -> Examined:
    """Two customers, a model that answers with the first feature, a protected and another group."""
    features = np.float32([[0.25, 1], [0.75, 2]])
    return Examined(
        portfolio=TINY.model_copy(update={"protected_attributes": ("gender", "age_group")}),
        month=MARCH,
        version=3,
        record=SimpleNamespace(threshold=0.5),  # type: ignore[arg-type]
        model=SimpleNamespace(churn_probability=lambda rows: rows[:, 0]),  # type: ignore[arg-type]
        holdout=Labelled(features, np.int8([0, 1]), np.array(["ada", "bob"])),
        groups={"region": np.array(["n", "s"]), "gender": np.array(["f", "m"])},
    )


def test_a_slice_is_no_protected_attribute(examined):
    """And an attribute that the hold-out lacks is left out."""
    assert list(examined.protected_groups) == ["gender"]
    assert examined.protected_groups["gender"].tolist() == ["f", "m"]


def test_probabilities_are_those_of_the_holdouts_features(examined):
    """One for each customer, in their order."""
    assert examined.probability.tolist() == [0.25, 0.75]
    assert len(examined.features) == len(examined.holdout)
