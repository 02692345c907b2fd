"""How much each feature moves a customer's log-odds: the raw material of reason codes."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline


def contributions(estimator: "BaseEstimator", features: np.ndarray) -> np.ndarray:
    """Additive contributions to the raw log-odds, (rows, features) float64.

    For boosted trees these are TreeSHAP values (Lundberg et al. 2020); for the linear model, coefficient times
    prepared value, summed over the columns that come from one feature.
    """
    from sklearn.pipeline import Pipeline

    if isinstance(estimator, Pipeline):
        return _linear(estimator, features)
    return _boosted(estimator, features)


def _linear(estimator: "Pipeline", features: np.ndarray) -> np.ndarray:
    prepared = estimator["prepare"].transform(features) * estimator["model"].coef_[0]
    out = np.zeros(features.shape)
    np.add.at(out.T, _origin_of_columns(estimator), prepared.T)
    return out


def _origin_of_columns(estimator: "Pipeline") -> np.ndarray:
    """For each prepared column the position of the feature it comes from."""
    origins: list[int] = []
    for name, transformer, positions in estimator["prepare"].transformers_:
        widths = [len(levels) for levels in transformer.categories_] if name == "category" else [1] * len(positions)
        origins += np.repeat(positions, widths).tolist()
    return np.array(origins)


def _boosted(estimator: "BaseEstimator", features: np.ndarray) -> np.ndarray:
    import xgboost

    booster = estimator.get_booster()
    return booster.predict(xgboost.DMatrix(features), pred_contribs=True)[:, :-1].astype(np.float64)
