"""Whether a model can serve: its export agrees with it, or a failure says how far it is off."""

import numpy as np
import pytest

from churn_platform.promotion.export_check import check_export
from churn_platform.training.model import ChurnModel
from churn_platform_tests.support.tiny import customers, fit_tiny

SAMPLE = customers(50, seed=6).features


@pytest.fixture(scope="module")
def fitted() -> ChurnModel:
    """The cheapest of the algorithms."""
    return fit_tiny("logistic_regression")


def test_an_export_that_agrees_is_timed(fitted):
    """Its distance is below what is allowed, and the slow calls are not faster than the usual."""
    found = check_export(fitted, SAMPLE)
    assert found.failure is None
    assert found.parity_difference <= 1e-5
    assert 0 < found.latency_ms <= found.latency_p99_ms


def test_an_export_that_differs_is_no_error_but_a_failure(fitted, monkeypatch):
    """The judgement of a version goes on, and refuses it by this; nothing is timed."""
    monkeypatch.setattr(ChurnModel, "churn_probability", lambda _, rows: np.zeros(len(rows)))
    found = check_export(fitted, SAMPLE)
    assert "differs from the native model" in found.failure
    assert found.latency_ms is None
