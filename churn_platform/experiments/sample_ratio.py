"""Whether customers are split as planned. If not, some are missing, and no figure can be believed.

Live counts are looked at all the time, so their test must hold at every look. Outcomes are looked
at once a month, where chi-square finds more.
"""

from collections.abc import Sequence
from math import exp

import numpy as np
from scipy.special import gammaln
from scipy.stats import chisquare

MISMATCH_P_VALUE = 0.001  # of either test; rarer than one in a thousand experiments
CONCENTRATION = 100.0  # of the prior about the planned shares: how near to them a fault would be


def sequential_p_value(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The p-value of live counts against their planned shares, which may be read at any time.

    The sequential multinomial test of Lindon & Malek (NeurIPS 2022, arXiv:2011.03567): with
    Dirichlet weights a = 100 * shares and n the sum of the counts x,

        1 / p = Gamma(sum a) / Gamma(sum a + n) * prod Gamma(a + x) / Gamma(a) / shares^x

    It is computed in logs, since each factor overflows from some hundred customers on.
    """
    seen = np.asarray(counts, dtype=float)
    planned = np.asarray(shares, dtype=float)
    log_factor = log_bayes_factor(
        seen,
        planned,
        CONCENTRATION,
    )
    # exp(-746) is 0, and a p-value of 0 would claim a certainty that there is not.
    log_factor = min(log_factor, 700.0)
    return min(1.0, exp(-log_factor))


def log_bayes_factor(seen: np.ndarray, planned: np.ndarray, concentration: float) -> float:
    """Log of how much better other shares explain the counts than the planned ones do."""
    # An arm without a share has no place in the formula; one customer in it settles the matter.
    if seen[planned == 0].any():
        return float("inf")

    known = planned > 0
    seen = seen[known]
    planned = planned[known]
    prior = concentration * planned
    total = prior.sum()
    factor = gammaln(total) - gammaln(total + seen.sum())
    # Seen times log of planned is the likelihood under the plan, which is divided by.
    parts = gammaln(prior + seen) - gammaln(prior)
    factor += parts.sum()
    factor -= seen @ np.log(planned)
    return float(factor)


def monthly_p_value(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The p-value of chi-square, for counts that are looked at once."""
    total = sum(counts)
    if not total:
        return 1.0

    expected = total * np.asarray(shares, dtype=float)
    return float(chisquare(counts, expected).pvalue)
