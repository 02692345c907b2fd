"""Metrics against values computed by hand."""

import numpy as np
import pytest

from churn_platform.evaluation.metrics import calibration_error, lift, measure
from churn_platform.evaluation.text import SHOWN, metrics_table

CHURNED = np.array([1, 0, 1, 0, 0])
PROBABILITY = np.array([0.9, 0.8, 0.6, 0.3, 0.1])


def test_metrics_are_those_of_a_calculation_by_hand():
    """Two churners among five, ranked first and third; three customers lie at or above the threshold."""
    metrics = measure(CHURNED, PROBABILITY, threshold=0.6)
    assert metrics.auc == pytest.approx(5 / 6)
    assert metrics.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert (metrics.recall, metrics.precision) == (1, pytest.approx(2 / 3))
    assert metrics.contacted_share == pytest.approx(0.6)
    assert metrics.brier == pytest.approx((0.01 + 0.64 + 0.16 + 0.09 + 0.01) / 5)
    assert (metrics.churn_rate, metrics.customers) == (pytest.approx(0.4), 5)


def test_nobody_above_the_threshold_is_no_error():
    """Without a contact, recall and precision are zero."""
    metrics = measure(CHURNED, PROBABILITY, threshold=0.95)
    assert (metrics.recall, metrics.precision, metrics.contacted_share) == (0, 0, 0)


def test_lift_compares_the_top_with_everyone():
    """One of the two first customers churned, against two of five."""
    assert lift(CHURNED, PROBABILITY, share=0.4) == pytest.approx(0.5 / 0.4)


def test_lift_of_a_tiny_share_looks_at_one_customer():
    """A share that rounds to nobody means the first customer."""
    assert lift(CHURNED, PROBABILITY, share=0.001) == pytest.approx(1 / 0.4)


def test_calibration_error_weighs_bins_by_size():
    """Lower bin of three: observed 1/3, predicted 1/3; upper bin of two: observed 1/2, predicted 0.85."""
    assert calibration_error(CHURNED, PROBABILITY[::-1], bins=1) == pytest.approx(abs(0.4 - 0.54))
    assert calibration_error(CHURNED, PROBABILITY, bins=2) == pytest.approx((3 * 0.0 + 2 * 0.35) / 5)


def test_fewer_customers_than_bins_is_no_error():
    """Empty bins count for nothing."""
    assert calibration_error(CHURNED, PROBABILITY, bins=50) == pytest.approx(np.abs(CHURNED - PROBABILITY).mean())


def test_the_table_shows_every_metric():
    """Each metric has a row, each set of metrics a column."""
    metrics = measure(CHURNED, PROBABILITY, threshold=0.6).as_dict()
    assert set(SHOWN) == set(metrics)
    lines = metrics_table({"a": metrics, "b": metrics}).splitlines()
    assert lines[:3] == ["| metric | a | b |", "|---|--:|--:|", "| AUC-ROC | 0.8333 | 0.8333 |"]
    assert len(lines) == 2 + len(SHOWN)
