"""A fitted candidate with its calibration: the object that is logged, scored with and exported."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from churn_platform.errors import DataError
from churn_platform.portfolios.spec import Feature
from churn_platform.published.calibration import EDGE
from churn_platform.training.candidates import fit_candidate
from churn_platform.training.contributions import contributions
from churn_platform.training.data import Labelled

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


@dataclass(frozen=True)
class Calibration:
    """Platt scaling in log-odds: calibrated log-odds = slope x raw log-odds + intercept (Platt 1999)."""

    slope: float
    intercept: float

    def __call__(self, raw: np.ndarray) -> np.ndarray:
        """Calibrated probabilities for raw ones of the same shape."""
        return expit(self.slope * log_odds(raw) + self.intercept)


@dataclass(frozen=True)
class ChurnModel:
    """A fitted estimator over encoded features in catalogue order, and its calibration."""

    algorithm: str
    features: tuple[Feature, ...]
    estimator: "BaseEstimator"
    calibration: Calibration
    baseline: np.ndarray = field(repr=False)

    def own(self, features: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """The model's own features from a matrix whose columns are `names`; the catalogue may have grown since.

        DataError where the catalogue lacks a feature that the model was fitted with.
        """
        wanted = [feature.name for feature in self.features]
        if wanted == list(names):
            return features
        if lost := [name for name in wanted if name not in names]:
            raise DataError(f"the model needs {', '.join(lost)}, which the catalogue no longer has; train a new one")
        return features[:, [names.index(name) for name in wanted]]

    def raw_probability(self, features: np.ndarray) -> np.ndarray:
        """The estimator's own probability of churn, (rows,) float64."""
        return self.estimator.predict_proba(features)[:, 1].astype(np.float64)

    def churn_probability(self, features: np.ndarray) -> np.ndarray:
        """Calibrated probability of churn for (rows, features) float32, as (rows,) float64."""
        return self.calibration(self.raw_probability(features))

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """What each feature adds to the raw log-odds against the average customer, (rows, features)."""
        return contributions(self.estimator, features) - self.baseline


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Log-odds, kept finite at 0 and 1."""
    return logit(np.clip(probability, EDGE, 1 - EDGE))


def fit_model(
    algorithm: str, features: Sequence[Feature], train: Labelled, validation: Labelled, *, seed: int, threads: int
) -> ChurnModel:
    """The algorithm fitted on `train` and calibrated on `validation`."""
    estimator = fit_candidate(algorithm, features, train, validation, seed=seed, threads=threads)
    raw = estimator.predict_proba(validation.features)[:, 1]
    background = validation.features[:: max(1, len(validation) // 2_000)]
    return ChurnModel(
        algorithm=algorithm,
        features=tuple(features),
        estimator=estimator,
        calibration=fit_calibration(raw, validation.churned),
        baseline=contributions(estimator, background).mean(axis=0),
    )


def fit_calibration(raw: np.ndarray, churned: np.ndarray) -> Calibration:
    """Platt scaling fitted by maximum likelihood; a slope that would turn the ranking round is refused (kept at 1)."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(log_odds(raw).reshape(-1, 1), churned)
    slope = float(fitted.coef_[0, 0])
    return Calibration(slope, float(fitted.intercept_[0])) if slope > 0 else Calibration(1.0, 0.0)
