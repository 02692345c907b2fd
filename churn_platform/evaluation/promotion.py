"""Whether a challenger may replace the champion: absolute gates first, then evidence on the same customers."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from churn_platform.evaluation.metrics import Metrics
from churn_platform.portfolios.spec import Gates

CONFIDENCE = 0.90


@dataclass(frozen=True)
class Difference:
    """AUC of the challenger minus the champion's, with its two-sided 90 % interval by paired bootstrap."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Decision:
    """The outcome of one evaluation, with the reason in words."""

    promoted: bool
    reason: str
    difference: Difference | None


def decide(
    challenger: Metrics,
    champion: Metrics | None,
    difference: Difference | None,
    gates: Gates,
    *,
    unpublishable: str | None = None,
) -> Decision:
    """Promote or refuse.

    The challenger must pass every absolute gate; `unpublishable` says why it could not be published at all. Against
    no champion, or one that itself fails a gate, that is enough; otherwise the lower bound of the AUC difference must
    exceed the portfolio's margin.
    """
    if unpublishable:
        return Decision(False, f"refused: {unpublishable}", difference)
    if failures := failed_gates(challenger, gates):
        return Decision(False, f"refused: the challenger fails {'; '.join(failures)}", difference)
    if champion is None or difference is None:
        return Decision(True, "promoted: it passes every gate and there is no champion yet", difference)
    if failures := failed_gates(champion, gates):
        return Decision(True, f"promoted: the champion fails {'; '.join(failures)}", difference)
    evidence = (
        f"AUC difference {difference.estimate:+.4f}, 90 % interval {difference.low:+.4f} to {difference.high:+.4f}, "
        f"margin {gates.promotion_margin_auc:.4f}"
    )
    if difference.low > gates.promotion_margin_auc:
        return Decision(True, f"promoted: better than the champion ({evidence})", difference)
    return Decision(False, f"refused: not shown to be better than the champion ({evidence})", difference)


def failed_gates(metrics: Metrics, gates: Gates) -> list[str]:
    """Each absolute gate that the metrics fail, in words."""
    failures = []
    if not metrics.auc >= gates.min_auc:
        failures.append(f"AUC {metrics.auc:.4f} < {gates.min_auc}")
    if not metrics.recall >= gates.min_recall:
        failures.append(f"recall {metrics.recall:.4f} < {gates.min_recall}")
    if not metrics.calibration_error <= gates.max_calibration_error:
        failures.append(f"calibration error {metrics.calibration_error:.4f} > {gates.max_calibration_error}")
    return failures


def auc_difference(
    churned: np.ndarray, challenger: np.ndarray, champion: np.ndarray, *, replicates: int, seed: int
) -> Difference:
    """Paired bootstrap of AUC(challenger) - AUC(champion) on the same customers.

    Churners and stayers are resampled separately (stratified), both models on the same resample (Efron & Tibshirani
    1993), with weights instead of copied rows.
    """
    generator = np.random.default_rng(seed)
    groups = [np.flatnonzero(churned == 1), np.flatnonzero(churned == 0)]
    orders = [_ranking(scores) for scores in (challenger, champion)]
    draws = np.empty(replicates)
    for replicate in range(replicates):
        weights = np.zeros(len(churned))
        for group in groups:
            weights[group] = generator.multinomial(len(group), np.full(len(group), 1 / len(group)))
        first, second = (_weighted_auc(churned, weights, *order) for order in orders)
        draws[replicate] = first - second
    ones = np.ones(len(churned))
    estimate = _weighted_auc(churned, ones, *orders[0]) - _weighted_auc(churned, ones, *orders[1])
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Difference(float(estimate), float(low), float(high))


def _ranking(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Order of the scores, and for each the start of its group of ties in that order."""
    order = np.argsort(scores, kind="stable")
    dense = rankdata(scores[order], method="dense") - 1
    return order, dense.astype(np.int64)


def _weighted_auc(churned: np.ndarray, weights: np.ndarray, order: np.ndarray, ties: np.ndarray) -> float:
    """AUC with row weights: P(score of a churner > score of a stayer) + P(equal) / 2."""
    weight, outcome = weights[order], churned[order]
    positive = np.bincount(ties, weight * outcome)
    negative = np.bincount(ties, weight * (1 - outcome))
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()))
