"""Both versions on the same customers: how much better the challenger is, and how sure that is.

Whether a customer leaves is the same chance for both scores, so it cancels: a pair needs a small
part of the customers that a random split needs for the same certainty.
"""

from dataclasses import dataclass

import numpy as np

from churn_platform.metrics.intervals import placements
from churn_platform.metrics.metrics import campaign_profit_eur
from churn_platform.portfolios.economics import Economics


@dataclass(frozen=True)
class Difference:
    """The challenger minus the control.

    variance: of the paired estimate. split_variance: of the estimate where each version would score
    one half of the customers.
    """

    value: float
    variance: float
    split_variance: float


@dataclass(frozen=True)
class PairedScores:
    """Both versions' probabilities for customers whose outcome is known, (rows,) each, and the
    thresholds that they serve at.
    """

    churned: np.ndarray
    control: np.ndarray
    challenger: np.ndarray
    control_threshold: float
    challenger_threshold: float

    def __len__(self) -> int:
        return len(self.churned)


def auc_difference(scores: PairedScores) -> Difference:
    """The difference of the AUCs, with the variance of DeLong, DeLong & Clarke-Pearson (1988)."""
    of_challenger = placements(scores.churned, scores.challenger)
    of_control = placements(scores.churned, scores.control)
    of_churners = of_challenger[0] - of_control[0]
    variance = split = 0.0
    # Churners, then stayers: an AUC is a mean over either, and both sample it.
    for challenger, control in zip(of_challenger, of_control, strict=True):
        paired = challenger - control
        variance += variance_of_mean(paired)
        split += _split_variance(challenger, control)

    return Difference(float(of_churners.mean()), variance, split)


def profit_difference(scores: PairedScores, economics: Economics) -> Difference:
    """The difference of the expected profit of contacting those at or above each threshold, EUR
    per customer.
    """
    challenger = _profit_of(
        scores.churned,
        scores.challenger,
        scores.challenger_threshold,
        economics,
    )
    control = _profit_of(
        scores.churned,
        scores.control,
        scores.control_threshold,
        economics,
    )
    paired = challenger - control
    return Difference(
        value=float(paired.mean()),
        variance=variance_of_mean(paired),
        split_variance=_split_variance(challenger, control),
    )


def _profit_of(
    churned: np.ndarray, probability: np.ndarray, threshold: float, economics: Economics
) -> np.ndarray:
    is_contacted = probability >= threshold
    hits = is_contacted * churned
    profit = campaign_profit_eur(hits, is_contacted.astype(float), economics)
    return np.asarray(profit)


def _split_variance(challenger: np.ndarray, control: np.ndarray) -> float:
    # Each version would have half of the customers, so the variance of each mean doubles.
    return 2 * (variance_of_mean(challenger) + variance_of_mean(control))


def variance_of_mean(values: np.ndarray) -> float:
    """The variance of the mean of independent values; NaN of fewer than two."""
    return float(values.var(ddof=1)) / len(values)
