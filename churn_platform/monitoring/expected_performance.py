"""What a champion's calibrated probabilities promise, and how far outcomes keep it.

Performance without labels is confidence-based (CBPE; NannyML 2022, after Guillory et al. 2021):
where a customer's probability is p, count p of a churner and 1 - p of a stayer. It holds as long as
the probabilities are calibrated, so once labels mature the difference between promise and outcome,
on the very same customers, shows that the world behind the probabilities has changed; a changed mix
of customers moves both alike.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import gamma, norm

from churn_platform.metrics.intervals import placements

CONFIDENCE = 0.95  # of each one-sided bound


@dataclass(frozen=True)
class Promise:
    """Expected metrics of probabilities, without labels."""

    auc: float
    recall: float
    precision: float
    churners: float


@dataclass(frozen=True)
class Habit:
    """How a champion kept its promise on the months that it comes from: what no later month is
    blamed for.

    The AUC gap with its standard error on labelled rows that it was not fitted on, and the lowest
    and highest ratio of churners observed to expected over its training months, each taken at the
    end of its bounds nearer to 1: as far as it is proven. A year of them holds the seasons.
    """

    auc_gap: float = 0.0
    auc_gap_error: float = 0.0
    churn_ratio_low: float = 1.0
    churn_ratio_high: float = 1.0


NO_HABIT = Habit()


@dataclass(frozen=True)
class ReachedPerformance:
    """Outcomes against the promise: the AUC reached with its standard error, and the churners
    observed / expected.

    `auc_gap` is the AUC promised minus reached, beyond the champion's habit. The bounds of the
    ratio are seen from the near end of the habit, so they are on one side of 1 only where a month
    is outside it. Bounds hold with CONFIDENCE on each side. NaN if there is no one of one
    kind.
    """

    auc: float
    auc_standard_error: float
    auc_gap: float
    auc_gap_low: float
    churn_ratio: float
    churn_ratio_low: float
    churn_ratio_high: float


def promise(probability: np.ndarray, *, threshold: float) -> Promise:
    """Expected AUC, recall, precision and churners of probabilities (rows,) at a threshold."""
    named = probability >= threshold
    contacts = int(named.sum())
    churners = float(probability.sum())
    hits = float(probability[named].sum())
    return Promise(
        auc=promised_auc(probability),
        recall=hits / churners if churners else float("nan"),
        precision=hits / contacts if contacts else float("nan"),
        churners=churners,
    )


def promised_auc(probability: np.ndarray) -> float:
    """AUC with each customer p times a churner and 1 - p times a stayer: P(higher) + P(equal) / 2;
    NaN without rows.
    """
    if not len(probability):
        return float("nan")

    ranked = np.sort(probability)
    is_first_of_tie = np.diff(ranked, prepend=np.nan) != 0
    # Ties share half: customers of one probability are compared as a group.
    starts = np.flatnonzero(is_first_of_tie)
    churners = np.add.reduceat(ranked, starts)
    stayers = np.add.reduceat(1 - ranked, starts)
    pairs = churners.sum() * stayers.sum()
    if not pairs:
        return float("nan")

    stayers_below = np.cumsum(stayers) - stayers
    won = churners * (stayers_below + stayers / 2)
    return float(won.sum() / pairs)


def compare(
    churned: np.ndarray, probability: np.ndarray, *, habit: Habit = NO_HABIT
) -> ReachedPerformance:
    """Outcomes (rows,) of 0 and 1 against the promise of probabilities (rows,)."""
    auc, error = auc_with_error(churned, probability)
    # Promise and outcome are of the same customers, so a changed mix of customers moves both alike
    # and raises no alarm. The habit takes off what the champion missed from its first day.
    gap = promised_auc(probability) - auc - habit.auc_gap
    margin = float(norm.ppf(CONFIDENCE)) * math.hypot(error, habit.auc_gap_error)
    observed = int(churned.sum())
    expected = float(probability.sum()) or float("nan")
    low, high = ratio_bounds(observed, expected)
    return ReachedPerformance(
        auc=auc,
        auc_standard_error=error,
        auc_gap=gap,
        auc_gap_low=gap - margin,
        churn_ratio=observed / expected,
        churn_ratio_low=low / habit.churn_ratio_high,
        churn_ratio_high=high / habit.churn_ratio_low,
    )


def learn_habit(
    churned: np.ndarray, probability: np.ndarray, months: Sequence[tuple[int, float]]
) -> Habit:
    """The habit of a champion from labelled rows that it was not fitted on, and (observed,
    expected) of each month.
    """
    unseen = compare(churned, probability)
    is_known = not math.isnan(unseen.auc_gap)

    lowest = highest = 1.0
    for observed, expected in months:
        low, high = ratio_bounds(observed, expected)
        lowest = min(lowest, high)
        highest = max(highest, low)

    return Habit(
        auc_gap=unseen.auc_gap if is_known else 0.0,
        auc_gap_error=unseen.auc_standard_error if is_known else 0.0,
        churn_ratio_low=lowest,
        # The end nearer to 1, so only what the training months prove counts as a habit. Seasons are
        # in there without any calendar being fitted.
        churn_ratio_high=highest,
    )


def auc_with_error(churned: np.ndarray, probability: np.ndarray) -> tuple[float, float]:
    """AUC and its standard error (DeLong et al. 1988); NaN if there are not two customers of
    each kind.
    """
    if min(churned.sum(), (1 - churned).sum()) < 2:
        return float("nan"), float("nan")

    churners, stayers = placements(churned, probability)
    variance_of_churners = churners.var(ddof=1) / len(churners)
    variance_of_stayers = stayers.var(ddof=1) / len(stayers)
    error = np.sqrt(variance_of_churners + variance_of_stayers)
    return float(churners.mean()), float(error)


def ratio_bounds(observed: int, expected: float) -> tuple[float, float]:
    """Bounds of churners observed / expected: those of a Poisson mean from one count (Garwood
    1936).
    """
    low = gamma.ppf(1 - CONFIDENCE, observed) if observed else 0.0
    return float(low / expected), float(gamma.ppf(CONFIDENCE, observed + 1) / expected)
