"""Metrics against values computed by hand."""

import numpy as np
import pytest
from scipy.stats import beta

from churn_platform.metrics.metrics import (
    acceptance_parameters,
    calibration_error,
    expected_maximum_profit_eur,
    lift,
    measure,
    reliability,
)
from churn_platform.metrics.metrics_table import SHOWN, metrics_table
from churn_platform.portfolios.spec import Economics

ECONOMICS = Economics(contact_cost_eur=35, acquisition_cost_eur=180, acceptance_rate=0.4)
CHURNED = np.array([1, 0, 1, 0, 0])
PROBABILITY = np.array([0.9, 0.8, 0.6, 0.3, 0.1])


def test_metrics_are_those_of_a_calculation_by_hand():
    """Two churners among five, ranked first and third; three customers lie at or above the
    threshold.
    """
    metrics = measure(CHURNED, PROBABILITY, threshold=0.6, economics=ECONOMICS)
    assert metrics.auc == pytest.approx(5 / 6)
    assert metrics.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert (metrics.recall, metrics.precision) == (1, pytest.approx(2 / 3))
    assert metrics.contacted_share == pytest.approx(0.6)
    assert metrics.brier == pytest.approx((0.01 + 0.64 + 0.16 + 0.09 + 0.01) / 5)
    assert (metrics.churn_rate, metrics.customers) == (pytest.approx(0.4), 5)


def test_money_is_counted_per_customer():
    """Two churners kept at 40 % of 180 EUR, three contacts at 35 EUR, five customers in all."""
    assert measure(
        CHURNED, PROBABILITY, threshold=0.6, economics=ECONOMICS
    ).campaign_profit_eur == pytest.approx((2 * 72 - 3 * 35) / 5)


def test_the_top_decile_captures_its_churners():
    """Of five customers the first is the top decile; one of two churners is in it."""
    metrics = measure(CHURNED, PROBABILITY, threshold=0.6, economics=ECONOMICS)
    assert (metrics.capture_top_decile, metrics.lift_top_decile) == (0.5, pytest.approx(1 / 0.4))


def test_empc_is_the_expected_best_profit_by_hand():
    """One churner, ranked first of two: contacting that one alone pays 180 x rate - 35, where the
    rate is above 35/180.

    The mean of max(0, 180 x rate - 35) over even steps of Beta(8, 12), for half of the customers.
    """
    rates = beta.ppf((np.arange(100_000) + 0.5) / 100_000, 8, 12)
    expected = np.maximum(180 * rates - 35, 0).mean() / 2
    found = expected_maximum_profit_eur(np.array([1, 0]), np.array([0.9, 0.1]), ECONOMICS)
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("rate", [0.05, 0.4, 1.0])
def test_acceptance_varies_around_the_portfolios_rate(rate):
    """The Beta distribution has the portfolio's mean and, whatever that is, the
    same concentration.
    """
    first, second = acceptance_parameters(ECONOMICS.model_copy(update={"acceptance_rate": rate}))
    assert first / (first + second) == pytest.approx(rate, abs=0.002)
    assert (first + second, first > 0, second > 0) == (pytest.approx(20), True, True)


def test_the_calibration_curve_counts_its_customers():
    """Two bins of five customers: three below with one churner, two above with one."""
    low, high = reliability(CHURNED, PROBABILITY, bins=2)
    assert (low.customers, low.churned, low.mean_probability) == (3, 1, pytest.approx(1 / 3))
    assert (high.customers, high.churned, high.mean_probability) == (2, 1, pytest.approx(0.85))


def test_nobody_above_the_threshold_is_no_error():
    """Without a contact, recall and precision are zero."""
    metrics = measure(CHURNED, PROBABILITY, threshold=0.95, economics=ECONOMICS)
    assert (metrics.recall, metrics.precision, metrics.contacted_share) == (0, 0, 0)


def test_lift_compares_the_top_with_everyone():
    """One of the two first customers churned, against two of five."""
    assert lift(CHURNED, PROBABILITY, share=0.4) == pytest.approx(0.5 / 0.4)


def test_lift_of_a_tiny_share_looks_at_one_customer():
    """A share that rounds to nobody means the first customer."""
    assert lift(CHURNED, PROBABILITY, share=0.001) == pytest.approx(1 / 0.4)


def test_calibration_error_weighs_bins_by_size():
    """Lower bin of three: observed 1/3, predicted 1/3; upper bin of two: observed 1/2, predicted
    0.85.
    """
    assert calibration_error(CHURNED, PROBABILITY[::-1], bins=1) == pytest.approx(abs(0.4 - 0.54))
    assert calibration_error(CHURNED, PROBABILITY, bins=2) == pytest.approx(
        (3 * 0.0 + 2 * 0.35) / 5
    )


def test_fewer_customers_than_bins_is_no_error():
    """Empty bins count for nothing."""
    assert calibration_error(CHURNED, PROBABILITY, bins=50) == pytest.approx(
        np.abs(CHURNED - PROBABILITY).mean()
    )


def test_the_table_shows_every_metric():
    """Each metric has a row, each set of metrics a column."""
    metrics = measure(CHURNED, PROBABILITY, threshold=0.6, economics=ECONOMICS).as_dict()
    assert set(SHOWN) == set(metrics)
    lines = metrics_table({"a": metrics, "b": metrics}).splitlines()
    assert lines[:3] == ["| metric | a | b |", "|---|--:|--:|", "| AUC-ROC | 0.8333 | 0.8333 |"]
    assert len(lines) == 2 + len(SHOWN)


def test_the_table_shows_intervals_and_gaps():
    """A value stands with its interval where there is one; a metric that a
    model lacks is a dash.
    """
    lines = metrics_table(
        {"old": {"auc": 0.8}, "new": {"auc": 0.85, "brier": 0.1}}, {"new": {"auc": (0.84, 0.86)}}
    )
    assert "| AUC-ROC | 0.8 | 0.85 (0.84 to 0.86) |" in lines
    assert "| Brier score | - | 0.1 |" in lines
