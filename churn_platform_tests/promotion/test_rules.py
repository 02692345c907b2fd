"""Who may serve: gates first, then evidence."""

from dataclasses import replace

import numpy as np
import pytest

from churn_platform.metrics.comparison import Difference
from churn_platform.metrics.fairness import FairnessGap
from churn_platform.metrics.metrics import Metrics
from churn_platform.portfolios.spec import Gates
from churn_platform.promotion.rules import (
    AWAITING_APPROVAL,
    PROMOTED,
    REFUSED,
    Standing,
    decide,
    degenerate,
    failed_gates,
    opponent_of,
)
from churn_platform_tests.support.invariants import invariant

GATES = Gates(
    min_auc=0.8,
    min_recall=0.65,
    max_calibration_error=0.05,
    promotion_margin_auc=0.01,
    max_fairness_gap=0.2,
    max_latency_ms=20,
)
METRICS = Metrics(
    auc=0.85,
    average_precision=0.4,
    recall=0.7,
    precision=0.3,
    contacted_share=0.2,
    lift_top_decile=3.0,
    capture_top_decile=0.3,
    brier=0.1,
    calibration_error=0.02,
    empc_eur=1.0,
    campaign_profit_eur=0.5,
    churn_rate=0.1,
    customers=1000,
)
GOOD = Standing(METRICS, latency_ms=0.1, fairness=FairnessGap(0.1, "gender"))
POOR = replace(GOOD, metrics=replace(METRICS, auc=0.79))
BARRED = replace(GOOD, barred="its ONNX export differs")
UNFAIR = replace(GOOD, fairness=FairnessGap(0.3, "age"))
UNFAIR_AND_POOR = replace(UNFAIR, metrics=POOR.metrics)
BROKEN = Standing(None, degenerate="sound predictions (3 of 9 are not a number)")
BETTER, SAME = Difference(0.02, 0.011, 0.03), Difference(0.0, -0.01, 0.01)


@pytest.mark.parametrize(
    ("challenger", "champion", "difference", "outcome", "reason"),
    [
        (GOOD, None, None, PROMOTED, "promoted: it passes every gate and there is no champion yet"),
        (POOR, None, None, REFUSED, "refused: the challenger fails AUC 0.7900 < 0.8"),
        (
            GOOD,
            GOOD,
            BETTER,
            PROMOTED,
            "promoted: better than the champion (AUC difference +0.0200",
        ),
        (GOOD, GOOD, SAME, REFUSED, "refused: not shown to be better than the champion"),
        (GOOD, GOOD, Difference(0.05, 0.01, 0.09), REFUSED, "refused: not shown to be better"),
        (GOOD, POOR, SAME, PROMOTED, "promoted: the champion fails AUC 0.7900 < 0.8"),
        (
            GOOD,
            UNFAIR,
            SAME,
            PROMOTED,
            "promoted: the champion fails equalized-odds difference over age",
        ),
        (GOOD, BROKEN, None, PROMOTED, "promoted: the champion fails sound predictions"),
        (
            GOOD,
            BARRED,
            SAME,
            PROMOTED,
            "promoted: the champion may not serve: its ONNX export differs",
        ),
        (GOOD, GOOD, None, REFUSED, "refused: there are no customers on which to compare"),
        (POOR, GOOD, BETTER, REFUSED, "refused: the challenger fails AUC"),
        (POOR, POOR, SAME, REFUSED, "refused: the challenger fails AUC"),
        (
            POOR,
            POOR,
            BETTER,
            PROMOTED,
            "promoted: the champion fails AUC 0.7900 < 0.8 (AUC difference +0.0200",
        ),
        (POOR, BROKEN, None, REFUSED, "refused: the challenger fails AUC"),
        (POOR, UNFAIR, BETTER, REFUSED, "refused: the challenger fails AUC"),
        (
            UNFAIR_AND_POOR,
            POOR,
            BETTER,
            REFUSED,
            "refused: the challenger fails equalized-odds difference over age",
        ),
        (
            UNFAIR,
            GOOD,
            BETTER,
            REFUSED,
            "refused: the challenger fails equalized-odds difference over age 0.3000 > 0.2",
        ),
        (BARRED, None, None, REFUSED, "refused: its ONNX export differs"),
        (
            BROKEN,
            BROKEN,
            None,
            REFUSED,
            "refused: the challenger fails sound predictions (3 of 9 are not a number)",
        ),
    ],
)
def test_the_decision_follows_gates_then_evidence(
    challenger, champion, difference, outcome, reason
):
    """Each combination of gates and evidence has its outcome and its words."""
    decision = decide(challenger, champion, difference, GATES)
    assert (decision.outcome, decision.promoted) == (outcome, outcome == PROMOTED)
    assert decision.reason.startswith(reason)
    assert decision.difference == difference


@invariant("Promotion", "A challenger whose export differs is refused, whatever its metrics.")
def test_an_unpublishable_challenger_is_refused() -> None:
    """Whatever its metrics, a model that could not be published is not promoted, and the reason
    says why.
    """
    decision = decide(BARRED, POOR, BETTER, GATES)
    assert (decision.promoted, decision.reason) == (False, "refused: its ONNX export differs")


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
def test_every_gate_on_a_metric_is_held(change, failures):
    """A value at the gate passes, one beyond it or none at all fails, and all failures are told."""
    assert failed_gates(replace(GOOD, metrics=replace(METRICS, **change)), GATES) == failures


@pytest.mark.parametrize(
    ("change", "failures"),
    [
        ({"latency_ms": 20.0}, []),
        ({"latency_ms": 20.1}, ["latency 20.1 ms > 20.0 ms"]),
        ({"latency_ms": None, "fairness": None}, []),
        ({"fairness": FairnessGap(0.2, "age")}, []),
        (
            {"fairness": FairnessGap(0.21, "age")},
            ["equalized-odds difference over age 0.2100 > 0.2"],
        ),
        (
            {"fairness": FairnessGap(float("nan"), "age")},
            ["equalized-odds difference over age nan > 0.2"],
        ),
    ],
)
def test_every_other_gate_is_held(change, failures):
    """Latency and fairness likewise; what was not judged does not fail."""
    assert failed_gates(replace(GOOD, **change), GATES) == failures


def test_manual_approval_waits_for_a_person():
    """A challenger that earned promotion waits instead of being promoted; one that did not is
    refused as ever.
    """
    waiting = decide(GOOD, None, None, GATES, approval="manual")
    assert (waiting.outcome, waiting.promoted) == (AWAITING_APPROVAL, False)
    assert (
        waiting.reason
        == "earned promotion, waits for approval: it passes every gate and there is no champion yet"
    )
    assert decide(POOR, None, None, GATES, approval="manual").outcome == REFUSED


@pytest.mark.parametrize(
    ("probability", "fault"),
    [
        (np.linspace(0.01, 0.4, 500), None),
        (np.append(np.full(499, 0.2), np.nan), "sound predictions (1 of 500 are not a number)"),
        (
            np.append(np.linspace(0, 1, 499), 1.001),
            "sound predictions (1 of 500 are outside 0 to 1)",
        ),
        (
            np.append(np.linspace(0, 1, 499), -np.inf),
            "sound predictions (1 of 500 are outside 0 to 1)",
        ),
        (
            np.full(500, 0.1),
            "sound predictions (98 % of the customers get about the same, 0.1 to 0.1)",
        ),
        (np.zeros(500), "sound predictions (98 % of the customers get about the same, 0 to 0)"),
        (
            np.linspace(0.1, 0.1005, 500),
            "sound predictions (98 % of the customers get about the same, 0.1 to 0.1005)",
        ),
        (
            np.append(np.full(498, 0.1), [0.9, 0.9]),
            "sound predictions (98 % of the customers get about the same,",
        ),
        (np.linspace(0.0001, 0.0002, 500), None),
    ],
)
def test_degenerate_predictions_are_found(probability, fault):
    """Numbers that are none, are outside or hardly differ are named; small probabilities that do
    differ are sound.
    """
    found = degenerate(probability)
    assert found is None if fault is None else found.startswith(fault)


def row(challenger: int, champion: int | None) -> dict[str, int | None]:
    """A row of the table `evaluation`, as far as it says who met whom."""
    return {"challenger_version": challenger, "champion_version": champion}


@pytest.mark.parametrize(
    ("recorded", "challenger", "serving", "previous", "opponent"),
    [
        (None, 1, None, None, None),
        (None, 5, 4, 3, 4),
        (row(5, 4), 5, 5, 4, 4),
        (row(1, None), 1, 1, None, None),
        (row(5, 4), 5, 6, 5, 4),
        (row(5, 4), 6, 5, 4, 5),
        (row(5, 5), 5, 5, 4, 4),
        (None, 5, 5, 4, 4),
        (None, 5, 5, None, None),
    ],
)
@invariant("Promotion", "A version that is evaluated again meets the same opponent.")
def test_a_version_meets_the_same_opponent_again(recorded, challenger, serving, previous, opponent):
    """Judged anew, a version meets the champion of its first judgement, and never itself; a new one
    the champion.
    """
    assert opponent_of(recorded, challenger, serving=serving, previous=previous) == opponent
