"""Probabilities as log-odds."""

import numpy as np
from scipy.special import logit

from churn_platform.published.calibration import EDGE


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Log-odds, kept finite at 0 and 1."""
    return logit(np.clip(probability, EDGE, 1 - EDGE))
