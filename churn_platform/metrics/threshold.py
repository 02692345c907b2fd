"""The operating threshold, and the risk tiers that follow from it."""

import numpy as np
from scipy.stats import beta

from churn_platform.metrics.metrics import campaign_profit_eur
from churn_platform.portfolios.spec import Economics

CONFIDENCE = 0.95


def choose_threshold(
    churned: np.ndarray, probability: np.ndarray, *, economics: Economics, min_recall: float
) -> float:
    """The threshold of highest expected profit among those that reach the recall gate.

    Profit of contacting everyone at or above it = churners kept x acquisition cost saved - contacts
    x contact cost. A threshold reaches the gate when the next sample of this size is expected to,
    with 95 % confidence: both samples are noisy, so the one-sided lower bound (Clopper-Pearson) is
    taken at half the churners. Where no threshold does, the lowest probability is returned.
    """
    order = np.argsort(-probability, kind="stable")
    ranked = probability[order]
    hits = np.cumsum(churned[order])
    missed = hits[-1] - hits
    contacts = np.arange(1, len(ranked) + 1)
    profit = campaign_profit_eur(hits, contacts, economics)
    # Half the churners on purpose: a threshold that just reaches the gate here is missed by
    # half of the next samples. The hold-out that judges is such a sample.
    least_recall = beta.ppf(1 - CONFIDENCE, np.maximum(hits, 1e-9) / 2, missed / 2 + 1)
    # A threshold cannot separate customers with the same probability.
    is_last_of_tie = np.append(ranked[1:] < ranked[:-1], True)
    is_allowed = (least_recall >= min_recall) & is_last_of_tie
    allowed = np.flatnonzero(is_allowed)
    # Contacting everyone is the only way left to reach the gate; the gate then judges on the
    # hold-out.
    if not len(allowed):
        return float(ranked[-1])

    best = allowed[np.argmax(profit[allowed])]
    return float(ranked[best])


def risk_tiers(
    *, threshold: float, base_rate: float, economics: Economics
) -> list[tuple[str, float]]:
    """Tier names with their lower bounds, highest first.

    critical: a contact pays by itself (probability x acceptance x acquisition cost covers its
    cost); high: at or above the operating threshold; medium: above the average customer; low: the
    rest.
    """
    break_even = economics.contact_cost_eur / (
        economics.acceptance_rate * economics.acquisition_cost_eur
    )
    high = threshold
    return [
        # Never below `high`: tiers must stay in order when the recall gate asks for a low
        # threshold.
        ("critical", max(break_even, high)),
        ("high", high),
        ("medium", min(base_rate, high)),
        ("low", 0.0),
    ]
