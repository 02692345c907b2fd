"""A model simple enough to work out by hand what it says of a customer."""

import numpy as np
from scipy.special import expit

from churn_platform.training.model import Calibration, ChurnModel
from churn_platform_tests.support.tiny import TINY

USAGE, TICKETS, IS_LATE, PLAN = range(4)


def log_odds(features: np.ndarray) -> np.ndarray:
    """By feature: 0.1 per point below 50 usage, 1 per ticket, 1 if late, -3 on the yearly plan, 0
    for missing usage.
    """
    usage, tickets, is_late, plan = np.asarray(features, dtype=float).T
    missing = np.isnan(usage)
    return np.column_stack(
        [
            0.1 * np.where(missing, 0, 50 - np.nan_to_num(usage)),
            tickets,
            is_late,
            -3.0 * (plan == 2),
        ]
    )


class ByHand:
    """The estimator of these log-odds."""

    def predict_proba(self, features):
        odds = log_odds(features).sum(axis=1)
        return np.column_stack([1 - expit(odds), expit(odds)])


class ModelByHand(ChurnModel):
    """The model of that estimator: what it adds by feature is known."""

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """The terms of the log-odds."""
        return log_odds(features)


def model(*protected: str, **actionable: str) -> ChurnModel:
    """The model above, some of whose features are protected, and some can be acted on."""
    features = tuple(
        it.model_copy(
            update={"actionable": actionable.get(it.name), "protected": it.name in protected}
        )
        for it in TINY.features
    )
    return ModelByHand("by_hand", features, ByHand(), Calibration(1.0, 0.0), np.zeros(4))
