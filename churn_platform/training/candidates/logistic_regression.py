"""Logistic regression with a ridge penalty, on scaled numbers and one-hot levels."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from churn_platform.portfolios.spec import Feature
from churn_platform.training.candidates.algorithm import Parameters
from churn_platform.training.candidates.pipeline import categories, one_hot, per_feature, to_onnx
from churn_platform.training.training_data import Labelled

if TYPE_CHECKING:
    from optuna import Trial
    from sklearn.pipeline import Pipeline

LIBRARY = "scikit-learn"
DEFAULTS: Sequence[Parameters] = ({"C": 0.1},)
fit_streamed = None
rounds = None  # the optimiser runs until it converges


def suggest(trial: "Trial") -> Parameters:
    """The penalty over five orders of magnitude."""
    return {"C": trial.suggest_float("C", 1e-3, 1e2, log=True)}


def fit(
    features: Sequence[Feature],
    train: Labelled,
    parameters: Parameters,
    *,
    seed: int,
    threads: int,
    stop_on: Labelled | None = None,
) -> "Pipeline":
    """The fitted pipeline; the median is in for a missing number."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    numbers = []
    for place in range(len(features)):
        if place not in categories(features):
            numbers.append(place)

    scaled = Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scale", StandardScaler()),
        ]
    )
    prepare = ColumnTransformer([("number", scaled, numbers), *one_hot(features)])
    model = LogisticRegression(
        **parameters,
        max_iter=1000,
        random_state=seed,
    )
    pipeline = Pipeline([("prepare", prepare), ("model", model)])
    pipeline.fit(train.features, train.churned, model__sample_weight=train.weights)
    # Summed in float32, a score would depend on the rows beside it.
    model.coef_ = model.coef_.astype(np.float64)
    return pipeline


def contributions(estimator: "Pipeline", features: np.ndarray) -> np.ndarray:
    """Coefficient times prepared value, summed over the columns that come from one feature."""
    values = estimator["prepare"].transform(features) * estimator["model"].coef_[0]
    return per_feature(estimator["prepare"], values, features.shape[1])


def export(estimator: "Pipeline", width: int) -> bytes:
    """As skl2onnx converts it."""
    return to_onnx(estimator, width).SerializeToString()
