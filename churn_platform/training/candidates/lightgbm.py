"""LightGBM, on numbers as they are and one-hot levels, which it bundles again."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from churn_platform.portfolios.spec import Feature
from churn_platform.training.candidates.algorithm import Parameters
from churn_platform.training.candidates.pipeline import per_feature, to_onnx, tree_preparation
from churn_platform.training.candidates.rounding import rounded_down
from churn_platform.training.training_data import Labelled

if TYPE_CHECKING:
    from lightgbm import LGBMClassifier
    from optuna import Trial
    from sklearn.pipeline import Pipeline

LIBRARY = "lightgbm"
# No one set suits every table: in telecom usage churn is mostly additive, elsewhere it depends on
# combinations. Chosen on six public tables, docs/real_data.md.
DEFAULTS: Sequence[Parameters] = (
    {
        "learning_rate": 0.05,
        "num_leaves": 6,
        "min_child_samples": 40,
        "colsample_bytree": 0.6,
        "subsample": 0.8,
        "reg_lambda": 2.0,
    },
    {
        "learning_rate": 0.05,
        "num_leaves": 15,
        "min_child_samples": 20,
        "colsample_bytree": 0.5,
        "subsample": 0.8,
        "reg_lambda": 2.0,
    },
    {
        "learning_rate": 0.1,
        "num_leaves": 31,
        "min_child_samples": 3,
        "colsample_bytree": 0.7,
        "subsample": 0.9,
        "reg_lambda": 0.1,
    },
)
ROUNDS_MAX = 2000
PATIENCE_ROUNDS = 50
fit_streamed = None


def suggest(trial: "Trial") -> Parameters:
    """From stumps to large trees, in steps small enough for the rounds that there may be."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.15, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 2, 64, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 2, 500, log=True),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.2, 1.0),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.05, 100.0, log=True),
    }


def fit(
    features: Sequence[Feature],
    train: Labelled,
    parameters: Parameters,
    *,
    seed: int,
    threads: int,
    stop_on: Labelled | None = None,
) -> "Pipeline":
    """The fitted pipeline, with split points that are float32 numbers."""
    import lightgbm
    from sklearn.pipeline import Pipeline

    model = lightgbm.LGBMClassifier(
        subsample_freq=1,
        random_state=seed,
        n_jobs=threads,
        # Both are needed for the same bytes again: LightGBM otherwise chooses its layout by timing.
        deterministic=True,
        force_row_wise=True,
        verbosity=-1,
    )
    model.set_params(**parameters)
    prepare = tree_preparation(features, train.features)
    rows = prepare.fit_transform(train.features)
    if stop_on is None:
        model.fit(rows, train.churned, sample_weight=train.weights)
    else:
        # Early stopping only finds the number of rounds. The model is then fitted again with that
        # number, so that recorded parameters say all, and a fit from a record needs no validation
        # rows.
        model.set_params(n_estimators=ROUNDS_MAX)
        model.fit(
            rows,
            train.churned,
            sample_weight=train.weights,
            eval_X=prepare.transform(stop_on.features),
            eval_y=stop_on.churned,
            eval_metric="binary_logloss",
            callbacks=[lightgbm.early_stopping(PATIENCE_ROUNDS, verbose=False)],
        )

    _round_split_points(model)
    return Pipeline([("prepare", prepare), ("model", model)])


def _round_split_points(model: "LGBMClassifier") -> None:
    """Round float64 split points down to float32, which changes no answer for float32 features.

    An export holds float32 split points. Rounded to the nearest, a customer right at one could go
    the other way.
    """
    import lightgbm

    # The sizes in bytes would be wrong once thresholds are written with other digits.
    text = re.sub(r"^tree_sizes=.*\n", "", model.booster_.model_to_string(), flags=re.MULTILINE)
    text = re.sub(
        r"(?<=^threshold=).*$",
        lambda found: _rounded(found[0]),
        text,
        flags=re.MULTILINE,
    )
    best = model.booster_.best_iteration
    # LightGBM has no way to change a split point, and a classifier no way to take a booster.
    model._Booster = lightgbm.Booster(model_str=text)
    model._Booster.best_iteration = best


def _rounded(numbers: str) -> str:
    values = np.array(numbers.split(), dtype=np.float64)
    lower = rounded_down(values)
    return " ".join(repr(float(number)) for number in lower)


def rounds(estimator: "Pipeline") -> Parameters:
    """The best round of early stopping."""
    return {"n_estimators": estimator["model"].best_iteration_}


def contributions(estimator: "Pipeline", features: np.ndarray) -> np.ndarray:
    """TreeSHAP values (Lundberg et al. 2020), summed over the columns that come
    from one feature.
    """
    prepared = estimator["prepare"].transform(features)
    values = estimator["model"].predict(prepared, pred_contrib=True)[:, :-1]
    return per_feature(estimator["prepare"], values, features.shape[1])


def export(estimator: "Pipeline", width: int) -> bytes:
    """As skl2onnx and onnxmltools convert it."""
    from lightgbm import LGBMClassifier
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

    update_registered_converter(
        LGBMClassifier,
        "LightGbmLGBMClassifier",
        calculate_linear_classifier_output_shapes,
        convert_lightgbm,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )
    return to_onnx(estimator, width).SerializeToString()
