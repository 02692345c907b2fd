"""Intervals hold what they should as often as they say."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from churn_platform.metrics.intervals import (
    average_precision_interval,
    calibration_error_interval,
    mean_interval,
    metric_intervals,
    placements,
    proportion_interval,
)
from churn_platform.metrics.metrics import Metrics, ReliabilityBin, measure
from churn_platform.portfolios.spec import Economics
from churn_platform_tests.support.invariants import invariant

ECONOMICS = Economics(contact_cost_eur=35, acquisition_cost_eur=180, acceptance_rate=0.4)
OPTIONS = {"threshold": 0.3, "economics": ECONOMICS}


def world(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes and the probabilities they were drawn from: a model that is calibrated by
    construction.
    """
    generator = np.random.default_rng(seed)
    probability = expit(generator.normal(-1.5, 1.2, rows))
    return (generator.uniform(size=rows) < probability).astype(np.int8), probability


def measured(seed: int, rows: int):
    """Metrics and intervals of a world."""
    churned, probability = world(seed, rows)
    metrics = measure(churned, probability, **OPTIONS)
    return metrics, metric_intervals(churned, probability, metrics, seed=1, **OPTIONS)


def test_every_metric_but_the_count_has_an_interval_around_it():
    """In the order of the metrics; the calibration error alone may lie at or below its interval."""
    metrics, intervals = measured(1, 2_000)
    assert list(intervals) == [field.name for field in fields(Metrics) if field.name != "customers"]
    for name, (low, high) in intervals.items():
        assert low < high, name
        if name != "calibration_error":
            assert low < getattr(metrics, name) < high, name


@invariant("Promotion", "95 % intervals hold the true value about that often.")
def test_intervals_hold_the_truth_as_often_as_they_say():
    """The truth, from 300,000 customers, lies in each 95 % interval of 100 worlds of 1,500 about 95
    times.

    Outside 88 to 100 is next to impossible for an interval that is right (binomial: one in 250).
    """
    truth, _ = measured(0, 300_000)
    held = dict.fromkeys(measured(0, 500)[1], 0)
    for seed in range(1, 101):
        for name, (low, high) in measured(seed, 1_500)[1].items():
            held[name] += low <= getattr(truth, name) <= high
    del held[
        "calibration_error"
    ]  # its truth is zero, where a distance without a sign cannot be held
    assert {name: count for name, count in held.items() if not 88 <= count <= 100} == {}


def test_one_seed_gives_one_interval():
    """Nothing in an interval is left to chance."""
    assert measured(3, 500) == measured(3, 500)


def test_four_times_the_customers_halve_the_interval():
    """Spread falls with the root of the number of customers."""
    few, many = (measured(4, rows)[1] for rows in (2_000, 8_000))
    for name in set(few) - {"calibration_error"}:
        ratio = (many[name][1] - many[name][0]) / (few[name][1] - few[name][0])
        assert 0.4 < ratio < 0.62, name


def test_shares_have_wilsons_interval():
    """8 of 10, by the formula; nothing of nothing may be anything; all of some is not certain."""
    z, share, total = 1.959964, 0.8, 10
    centre = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * (share * (1 - share) / total + z**2 / (4 * total**2)) ** 0.5 / (1 + z**2 / total)
    assert proportion_interval(8, 10) == pytest.approx((centre - half, centre + half), abs=1e-6)
    assert proportion_interval(0, 0) == (0, 1)
    assert proportion_interval(5, 5)[0] < 0.6
    assert proportion_interval(5, 5)[1] == 1


def test_a_mean_has_a_normal_interval():
    """Of 0, 0, 3, 3 the mean is 1.5 and its standard error the root of 3 / 4."""
    assert mean_interval(np.array([0.0, 0.0, 3.0, 3.0])) == pytest.approx(
        (1.5 - 1.959964 * 0.75**0.5, 3.197385), abs=1e-4
    )


def test_perfect_and_hopeless_rankings_are_no_error():
    """Where log-odds end, the interval is the value."""
    assert average_precision_interval(1.0, 5) == (1.0, 1.0)
    churned, perfect = np.array([1, 1, 0, 0]), np.array([0.9, 0.8, 0.2, 0.1])
    for probability, auc in ((perfect, 1.0), (1 - perfect, 0.0)):
        metrics = measure(churned, probability, **OPTIONS)
        assert metric_intervals(churned, probability, metrics, seed=1, **OPTIONS)["auc"] == (
            auc,
            auc,
        )


def test_a_calibration_error_far_from_zero_is_held():
    """Ten bins of 1,000 customers, each 5 points too low: the interval lies around 0.05."""
    curve = tuple(
        ReliabilityBin(1_000, 150 + 50 * place, 0.10 + 0.05 * place) for place in range(10)
    )
    low, high = calibration_error_interval(curve, np.random.default_rng(1))
    assert low < 0.05 < high
    assert high - low < 0.02


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5)), min_size=2, max_size=30).filter(
        lambda rows: {row[0] for row in rows} == {0, 1}
    )
)
def test_placements_are_shares_of_the_other_kind(rows):
    """Each placement, ties by half, is what counting gives; both kinds average to the AUC."""
    churned, scores = (np.array(column) for column in zip(*rows, strict=True))
    churners, stayers = placements(churned, scores.astype(float))
    above, below = scores[churned == 1], scores[churned == 0]
    by_hand = ((above[:, None] > below) + (above[:, None] == below) / 2).astype(float)
    np.testing.assert_allclose(churners, by_hand.mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(stayers, by_hand.mean(axis=0), atol=1e-12)
    assert churners.mean() == pytest.approx(roc_auc_score(churned, scores))
