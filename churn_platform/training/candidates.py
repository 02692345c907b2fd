"""The candidate algorithms: each an unfitted scikit-learn estimator over encoded features, and how to fit it.

Nothing is resampled or reweighted against the class imbalance: that moves the probabilities, which the campaign's
economics need, and does not improve the ranking. The threshold takes care of the imbalance instead.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_platform.portfolios.spec import Feature
from churn_platform.training.data import Labelled

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

EARLY_STOPPING_ROUNDS = 50


def fit_candidate(
    algorithm: str, features: Sequence[Feature], train: Labelled, validation: Labelled, *, seed: int, threads: int
) -> "BaseEstimator":
    """The named algorithm fitted on `train`; boosting stops early on `validation` and keeps its best iteration."""
    fit = {"logistic_regression": _fit_logistic_regression, "xgboost": _fit_xgboost}[algorithm]
    return fit(features, train, validation, seed=seed, threads=threads)


def _fit_logistic_regression(
    features: Sequence[Feature], train: Labelled, validation: Labelled, *, seed: int, threads: int
) -> "BaseEstimator":
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    categories = [position for position, feature in enumerate(features) if feature.type == "category"]
    numbers = [position for position in range(len(features)) if position not in categories]
    levels = [np.arange(len(features[position].levels), dtype=np.float32) for position in categories]
    steps: list[tuple[str, Any, list[int]]] = [
        (
            "number",
            Pipeline(
                [
                    ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
                    ("scale", StandardScaler()),
                ]
            ),
            numbers,
        )
    ]
    if categories:
        encoder = OneHotEncoder(categories=levels, handle_unknown="ignore", sparse_output=False, dtype=np.float32)
        steps.append(("category", encoder, categories))
    model = LogisticRegression(C=0.1, max_iter=1000, random_state=seed)
    return Pipeline([("prepare", ColumnTransformer(steps)), ("model", model)]).fit(train.features, train.churned)


def _fit_xgboost(
    features: Sequence[Feature], train: Labelled, validation: Labelled, *, seed: int, threads: int
) -> "BaseEstimator":
    from xgboost import XGBClassifier
    from xgboost.callback import EarlyStopping

    best = EarlyStopping(rounds=EARLY_STOPPING_ROUNDS, save_best=True)
    model = XGBClassifier(
        n_estimators=1500,
        learning_rate=0.05,
        max_depth=3,
        min_child_weight=5,
        subsample=0.8,
        colsample_bytree=0.6,
        reg_lambda=2.0,
        tree_method="hist",
        eval_metric="logloss",
        callbacks=[best],
        random_state=seed,
        n_jobs=threads,
    )
    model.fit(train.features, train.churned, eval_set=[(validation.features, validation.churned)], verbose=False)
    return model.set_params(callbacks=None)
