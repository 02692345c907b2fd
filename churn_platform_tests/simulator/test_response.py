"""What a contact does to a customer, by hand."""

import numpy as np
import pytest

from churn_platform.simulator.response import ResponseType, churn_after_contact, churn_if_contacted


def test_an_effect_by_hand():
    """A persuadable of 0.5 who accepts leaves with 0.05; over reaching (0.9) and accepting (0.8)
    with 0.176; a sleeping dog of 0.5 who was reached leaves with 1 / (1 + 1/e) = 0.731.
    """
    half, yes = np.array([0.5]), np.array([True])
    persuadable, dog = np.array([ResponseType.PERSUADABLE]), np.array([ResponseType.SLEEPING_DOG])
    assert churn_after_contact(half, persuadable, yes) == pytest.approx(0.05)
    assert churn_after_contact(half, persuadable, ~yes) == pytest.approx(0.5)
    assert churn_if_contacted(half, persuadable) == pytest.approx(
        0.1 * 0.5 + 0.9 * (0.8 * 0.05 + 0.2 * 0.5)
    )
    assert churn_after_contact(half, dog, ~yes) == pytest.approx(0.7311, abs=1e-4)
