"""The candidate algorithms by name. A module holds all that is particular to one; this is the one
list of them.

Nothing is resampled or reweighted against the class imbalance: that moves the probabilities, which
the campaign's economics need, and does not improve the ranking. The threshold takes care of the
imbalance instead.
"""

from collections.abc import Mapping

from churn_platform.training.candidates import lightgbm, logistic_regression, random_forest, xgboost
from churn_platform.training.candidates.algorithm import Algorithm, Parameters, RowStream

__all__ = ["ALGORITHMS", "Algorithm", "Parameters", "RowStream"]

ALGORITHMS: Mapping[str, Algorithm] = {
    "logistic_regression": logistic_regression,
    "random_forest": random_forest,
    "lightgbm": lightgbm,
    "xgboost": xgboost,
}
