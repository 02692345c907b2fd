"""A fitted candidate with its calibration: the object that is logged, scored with and exported."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from churn_platform.errors import DataError
from churn_platform.portfolios.spec import Feature
from churn_platform.training.candidates import ALGORITHMS, Parameters
from churn_platform.training.log_odds import log_odds
from churn_platform.training.training_data import Labelled

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


@dataclass(frozen=True)
class Calibration:
    """Platt scaling in log-odds: calibrated log-odds = slope x raw log-odds + intercept (Platt
    1999).
    """

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
    parameters: Parameters = field(default_factory=dict)

    def own(self, features: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """The model's own features from a matrix whose columns are `names`; the catalogue may have
        grown since.

        DataError if the catalogue lacks a feature that the model was fitted with.
        """
        wanted = [feature.name for feature in self.features]
        if wanted == list(names):
            return features

        lost = [name for name in wanted if name not in names]
        if lost:
            raise DataError(
                f"the model needs {', '.join(lost)}, which the catalogue no longer has; "
                "train a new one"
            )

        places = [names.index(name) for name in wanted]
        return features[:, places]

    def raw_probability(self, features: np.ndarray) -> np.ndarray:
        """The estimator's own probability of churn, (rows,) float64."""
        return self.estimator.predict_proba(features)[:, 1].astype(np.float64)

    def churn_probability(self, features: np.ndarray) -> np.ndarray:
        """Calibrated probability of churn for (rows, features) float32, as (rows,) float64."""
        return self.calibration(self.raw_probability(features))

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """What each feature adds to the raw log-odds against the average customer, (rows,
        features).
        """
        return ALGORITHMS[self.algorithm].contributions(self.estimator, features) - self.baseline


def fit_model(
    algorithm: str,
    features: Sequence[Feature],
    train: Labelled,
    validation: Labelled,
    *,
    seed: int,
    threads: int,
    parameters: Parameters | None = None,
) -> ChurnModel:
    """The algorithm fitted on `train` with the parameters given, and calibrated on `validation`.

    The same rows, parameters, seed and threads give the same bytes. Without parameters the
    algorithm's first defaults serve, and boosting stops early on `validation`.
    """
    parameters = parameters or untuned(
        algorithm,
        features,
        train,
        validation,
        seed=seed,
        threads=threads,
    )
    estimator = ALGORITHMS[algorithm].fit(features, train, parameters, seed=seed, threads=threads)
    return calibrated(algorithm, features, estimator, validation, parameters)


def untuned(
    algorithm: str,
    features: Sequence[Feature],
    train: Labelled,
    validation: Labelled,
    *,
    seed: int,
    threads: int,
) -> Parameters:
    """The algorithm's first default parameters, with as many rounds of boosting as suit
    `validation`.
    """
    module = ALGORITHMS[algorithm]
    defaults = module.DEFAULTS[0]
    if module.rounds is None:
        return dict(defaults)

    stopped = module.fit(
        features,
        train,
        defaults,
        seed=seed,
        threads=threads,
        stop_on=validation,
    )
    return {**defaults, **module.rounds(stopped)}


def calibrated(
    algorithm: str,
    features: Sequence[Feature],
    estimator: "BaseEstimator",
    validation: Labelled,
    parameters: Parameters,
) -> ChurnModel:
    """The model that a fitted estimator makes, calibrated on `validation`."""
    # Calibration is outside the estimator and outside ONNX: the export stays the bare estimator,
    # and slope and intercept are in the manifest. Parity is measured on calibrated probabilities.
    raw = estimator.predict_proba(validation.features)[:, 1]
    # Some 2,000 rows fix the average customer well enough, and cost a moment.
    background = validation.features[:: max(1, len(validation) // 2_000)]
    return ChurnModel(
        algorithm=algorithm,
        features=tuple(features),
        estimator=estimator,
        calibration=fit_calibration(raw, validation.churned),
        baseline=ALGORITHMS[algorithm].contributions(estimator, background).mean(axis=0),
        parameters=dict(parameters),
    )


def fit_calibration(raw: np.ndarray, churned: np.ndarray) -> Calibration:
    """Platt scaling fitted by maximum likelihood; a slope that would turn the ranking round is
    refused (kept at 1).
    """
    from sklearn.linear_model import LogisticRegression

    # Nearly no penalty: Platt scaling is plain maximum likelihood in one variable.
    platt = LogisticRegression(C=1e6, max_iter=1000)
    platt.fit(log_odds(raw).reshape(-1, 1), churned)
    slope = float(platt.coef_[0, 0])
    if slope <= 0:
        return Calibration(1.0, 0.0)

    return Calibration(slope, float(platt.intercept_[0]))
