"""95 % intervals of metrics: how far each would move on another set of customers of the same kind
and size.

Each costs one pass over the customers, and a sort at most, so that millions of them take seconds.
"""

import numpy as np
from scipy.special import expit, logit
from scipy.stats import beta, norm, rankdata

from churn_platform.metrics.metrics import (
    TOP_DECILE,
    Metrics,
    ReliabilityBin,
    acceptance_parameters,
    campaign_profit_eur,
    reliability,
    top,
)
from churn_platform.portfolios.spec import Economics

CONFIDENCE = 0.95
REPLICATES = 500
# Groups of near score instead of customers: a replicate then costs the same for any base.
SCORE_GROUPS = 500
ACCEPTANCE_RATES = 50
Z = float(norm.ppf((1 + CONFIDENCE) / 2))

Interval = tuple[float, float]


def metric_intervals(
    churned: np.ndarray,
    probability: np.ndarray,
    metrics: Metrics,
    *,
    threshold: float,
    economics: Economics,
    seed: int,
) -> dict[str, Interval]:
    """The 95 % interval of each metric but the number of customers, in the order of `Metrics`."""
    predicted = probability >= threshold
    churners = int(churned.sum())
    contacts = int(predicted.sum())
    hits = int(churned[predicted].sum())
    captured = int(churned[top(probability, share=TOP_DECILE)].sum())
    low, high = proportion_interval(captured, churners)
    top_share = max(1, round(len(churned) * TOP_DECILE)) / len(churned)
    profit = campaign_profit_eur(predicted * churned, predicted.astype(np.int8), economics)
    curve = reliability(churned, probability)
    generator = np.random.default_rng(seed)
    return {
        "auc": auc_interval(churned, probability),
        "average_precision": average_precision_interval(metrics.average_precision, churners),
        "recall": proportion_interval(hits, churners),
        "precision": proportion_interval(hits, contacts),
        "contacted_share": proportion_interval(contacts, len(churned)),
        "lift_top_decile": (low / top_share, high / top_share),
        "capture_top_decile": (low, high),
        "brier": mean_interval((probability - churned) ** 2),
        "calibration_error": calibration_error_interval(curve, generator),
        "empc_eur": empc_interval(churned, probability, metrics.empc_eur, economics, generator),
        "campaign_profit_eur": mean_interval(profit),
        "churn_rate": proportion_interval(churners, len(churned)),
    }


def proportion_interval(count: int, total: int) -> Interval:
    """Wilson's interval of a share; all of [0, 1] where nothing was counted."""
    from statsmodels.stats.proportion import proportion_confint

    if total == 0:
        return 0.0, 1.0
    low, high = proportion_confint(count, total, alpha=1 - CONFIDENCE, method="wilson")
    return max(float(low), 0.0), min(float(high), 1.0)


def mean_interval(values: np.ndarray) -> Interval:
    """Normal interval of a mean over customers."""
    half = Z * float(values.std(ddof=1)) / len(values) ** 0.5
    return float(values.mean()) - half, float(values.mean()) + half


def auc_interval(churned: np.ndarray, probability: np.ndarray) -> Interval:
    """DeLong's interval of the AUC in log-odds, which keeps it inside [0, 1] (DeLong 1988; Pepe
    2003).

    A perfect ranking has no spread, and an interval of one point.
    """
    churners, stayers = placements(churned, probability)
    auc = float(churners.mean())
    # Log-odds are infinite there.
    if not 0 < auc < 1:
        return auc, auc

    variance_of_churners = churners.var(ddof=1) / len(churners)
    variance_of_stayers = stayers.var(ddof=1) / len(stayers)
    error = float(variance_of_churners + variance_of_stayers) ** 0.5
    return _around_log_odds(auc, error / (auc * (1 - auc)))


def placements(churned: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of stayers below each churner and of churners above each stayer, ties by half; the mean
    of each is the AUC.

    By ranks, in O(n log n) (Sun & Xu 2014).
    """
    # Ranks instead of all pairs: two million customers have a trillion pairs.
    is_churner = churned == 1
    ranks = rankdata(scores)
    of_churners = scores[is_churner]
    of_stayers = scores[~is_churner]
    stayers_below = ranks[is_churner] - rankdata(of_churners)
    churners_below = ranks[~is_churner] - rankdata(of_stayers)
    return stayers_below / len(of_stayers), 1 - churners_below / len(of_churners)


def average_precision_interval(average_precision: float, churners: int) -> Interval:
    """Interval in log-odds with the spread of a share of the churners (Boyd, Eng & Page 2013)."""
    if not 0 < average_precision < 1:
        return average_precision, average_precision
    spread = (churners * average_precision * (1 - average_precision)) ** -0.5
    return _around_log_odds(average_precision, spread)


def _around_log_odds(share: float, spread: float) -> Interval:
    low, high = expit(logit(share) + Z * spread * np.array([-1, 1]))
    return float(low), float(high)


def calibration_error_interval(
    curve: tuple[ReliabilityBin, ...], generator: np.random.Generator
) -> Interval:
    """Bootstrap of the churners in each bin of the curve: the percentile interval.

    Gaps count without their sign, so noise adds to them: the interval of a well calibrated model
    is a little high.
    """
    customers = np.array([part.customers for part in curve])
    churners = np.array([part.churned for part in curve])
    predicted = np.array([part.mean_probability for part in curve])
    observed = churners / customers
    drawn = generator.binomial(customers, observed, (REPLICATES, len(customers)))
    gaps = np.abs(drawn / customers - predicted)
    return _middle(np.average(gaps, axis=1, weights=customers))


def empc_interval(
    churned: np.ndarray,
    probability: np.ndarray,
    empc_eur: float,
    economics: Economics,
    generator: np.random.Generator,
) -> Interval:
    """Bootstrap of EMPC on counts of churners and stayers in up to 500 groups of near score."""
    # The best of many cut-offs flatters the model on its own sample, and on a resample once more.
    # So the interval is the basic one, mirrored about the estimate, which takes that back (Davison
    # & Hinkley 1997, 5.2). It begins at zero.
    counts = _counts_by_score(churned, probability)
    total = counts.sum()
    quantiles = (np.arange(ACCEPTANCE_RATES) + 0.5) / ACCEPTANCE_RATES
    rates = beta.ppf(quantiles, *acceptance_parameters(economics))
    kept_eur = rates[:, None] * economics.acquisition_cost_eur

    def best_profit(churners: np.ndarray, stayers: np.ndarray) -> float:
        hits = np.cumsum(churners)
        contacts = np.cumsum(churners + stayers)
        profit = kept_eur * hits - economics.contact_cost_eur * contacts
        best = np.maximum(profit.max(axis=1), 0)
        return float(best.mean() / total)

    drawn = generator.multinomial(total, counts.ravel() / total, REPLICATES)
    replicates = drawn.reshape(REPLICATES, *counts.shape)
    profits = [best_profit(churners, stayers) for churners, stayers in replicates]
    low, high = _middle(np.array(profits))
    churners, stayers = counts
    grouped = best_profit(churners, stayers)
    # Mirrored: the best of many cut-offs flatters a model on its own sample, and a resample again.
    return max(empc_eur + grouped - high, 0.0), empc_eur + grouped - low


def _counts_by_score(churned: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Churners and stayers in groups of near probability, highest first, (2, groups); ties stay
    together.
    """
    rank = rankdata(-probability, method="min").astype(np.int64) - 1
    _, groups = np.unique(rank * SCORE_GROUPS // len(rank), return_inverse=True)
    churners = np.bincount(groups, churned == 1)
    stayers = np.bincount(groups, churned == 0)
    return np.array([churners, stayers]).astype(np.int64)


def _middle(draws: np.ndarray) -> Interval:
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
