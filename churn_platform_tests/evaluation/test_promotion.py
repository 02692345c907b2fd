"""Who may serve: gates first, then evidence."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from churn_platform.evaluation.metrics import Metrics
from churn_platform.evaluation.promotion import (
    Difference,
    _ranking,
    _weighted_auc,
    auc_difference,
    decide,
    failed_gates,
)
from churn_platform.portfolios.spec import Gates

GATES = Gates(min_auc=0.8, min_recall=0.65, max_calibration_error=0.05, promotion_margin_auc=0.01)
GOOD = Metrics(0.85, 0.4, 0.7, 0.3, 0.2, 3.0, 0.1, 0.02, 0.1, 1000)
POOR = replace(GOOD, auc=0.79)
BETTER, SAME = Difference(0.02, 0.011, 0.03), Difference(0.0, -0.01, 0.01)


@pytest.mark.parametrize(
    ("challenger", "champion", "difference", "promoted", "reason"),
    [
        (GOOD, None, None, True, "promoted: it passes every gate and there is no champion yet"),
        (POOR, None, None, False, "refused: the challenger fails AUC 0.7900 < 0.8"),
        (GOOD, GOOD, BETTER, True, "promoted: better than the champion (AUC difference +0.0200"),
        (GOOD, GOOD, SAME, False, "refused: not shown to be better than the champion"),
        (GOOD, GOOD, Difference(0.05, 0.01, 0.09), False, "refused: not shown to be better"),
        (GOOD, POOR, SAME, True, "promoted: the champion fails AUC 0.7900 < 0.8"),
        (POOR, GOOD, BETTER, False, "refused: the challenger fails AUC"),
        (POOR, POOR, BETTER, False, "refused: the challenger fails AUC"),
    ],
)
def test_the_decision_follows_gates_then_evidence(challenger, champion, difference, promoted, reason):
    """Each combination of gates and evidence has its outcome and its words."""
    decision = decide(challenger, champion, difference, GATES)
    assert decision.promoted is promoted
    assert decision.reason.startswith(reason)
    assert decision.difference == difference


@pytest.mark.parametrize(
    ("change", "failures"),
    [
        ({}, []),
        ({"auc": 0.8, "recall": 0.65, "calibration_error": 0.05}, []),
        ({"auc": 0.7999}, ["AUC 0.7999 < 0.8"]),
        ({"recall": 0.5}, ["recall 0.5000 < 0.65"]),
        ({"calibration_error": 0.06}, ["calibration error 0.0600 > 0.05"]),
        ({"auc": float("nan")}, ["AUC nan < 0.8"]),
        ({"auc": 0.5, "recall": 0.1}, ["AUC 0.5000 < 0.8", "recall 0.1000 < 0.65"]),
    ],
)
def test_every_gate_is_held(change, failures):
    """A value at the gate passes, one beyond it or none at all fails, and all failures are told."""
    assert failed_gates(replace(GOOD, **change), GATES) == failures


def scores(seed: int, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes of 400 customers and scores that know of them as strongly as asked."""
    generator = np.random.default_rng(seed)
    churned = (generator.uniform(size=400) < 0.3).astype(np.int8)
    return churned, churned * strength + generator.normal(size=400)


def test_a_model_does_not_beat_itself():
    """Identical scores give a difference of exactly zero, interval and all."""
    churned, score = scores(1, 1.0)
    assert auc_difference(churned, score, score, replicates=50, seed=1) == Difference(0.0, 0.0, 0.0)


def test_only_the_ranking_counts():
    """Scores that rank alike differ by nothing."""
    churned, score = scores(1, 1.0)
    assert auc_difference(churned, score, np.exp(score) * 3, replicates=50, seed=1).high == 0


def test_the_estimate_is_the_difference_of_aucs():
    """It agrees with scikit-learn, ties included, and lies within its interval."""
    churned, first = scores(1, 1.5)
    second = np.round(scores(1, 0.5)[1], 1)
    difference = auc_difference(churned, first, second, replicates=200, seed=1)
    assert difference.estimate == pytest.approx(roc_auc_score(churned, first) - roc_auc_score(churned, second))
    assert 0 < difference.low < difference.estimate < difference.high


def test_exchanged_models_have_the_opposite_difference():
    """Challenger against champion is the mirror of champion against challenger."""
    churned, first = scores(2, 1.0)
    second = first + np.random.default_rng(9).normal(size=400)
    there = auc_difference(churned, first, second, replicates=100, seed=1)
    back = auc_difference(churned, second, first, replicates=100, seed=1)
    assert (there.estimate, there.low, there.high) == pytest.approx((-back.estimate, -back.high, -back.low))


def test_the_seed_decides_the_interval():
    """One seed gives one interval, another seed another."""
    churned, first = scores(3, 1.0)
    second = np.random.default_rng(4).normal(size=400)
    one, again, other = (auc_difference(churned, first, second, replicates=100, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one.low != other.low
    assert one.estimate == other.estimate


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Two equally good noisy scores differ by zero; over 60 worlds the 90 % interval holds it about 54 times."""
    covered = 0
    for world in range(60):
        generator = np.random.default_rng(world)
        churned = (generator.uniform(size=300) < 0.3).astype(np.int8)
        first, second = (churned + generator.normal(size=300) for _ in range(2))
        difference = auc_difference(churned, first, second, replicates=100, seed=world)
        covered += difference.low <= 0 <= difference.high
    assert 46 <= covered <= 60


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=30).filter(
        lambda rows: {row[0] for row in rows if row[2]} == {0, 1}
    )
)
def test_weights_are_repeated_rows(rows):
    """AUC with whole weights is the AUC of rows that stand in the data so many times."""
    churned, score, weight = (np.array(column) for column in zip(*rows, strict=True))
    order, ties = _ranking(score.astype(float))
    repeated = roc_auc_score(np.repeat(churned, weight), np.repeat(score, weight))
    assert _weighted_auc(churned, weight.astype(float), order, ties) == pytest.approx(repeated)


def test_an_unpublishable_challenger_is_refused() -> None:
    """Whatever its metrics, a model that could not be published is not promoted, and the reason says why."""
    decision = decide(GOOD, None, None, GATES, unpublishable="its ONNX export differs")
    assert (decision.promoted, decision.reason) == (False, "refused: its ONNX export differs")
