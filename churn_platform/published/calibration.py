"""Platt scaling for one score at a time, as readers of a bundle apply it. Light on purpose: the
standard library.
"""

from math import exp, log

EDGE = 1e-7


def log_odds(probability: float) -> float:
    """Log-odds, kept finite at 0 and 1."""
    inside = min(max(probability, EDGE), 1 - EDGE)
    return log(inside / (1 - inside))


def calibrated_log_odds(raw: float, *, slope: float, intercept: float) -> float:
    """Calibrated log-odds for a raw probability: slope x raw log-odds + intercept (Platt 1999)."""
    return slope * log_odds(raw) + intercept


def probability(log_odds: float) -> float:
    """The probability for log-odds."""
    return 1 / (1 + exp(-log_odds))
