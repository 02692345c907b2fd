"""XGBoost, on encoded features as they are; the one algorithm here that fits on more rows than fit
into memory.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from churn_platform.portfolios.spec import Feature
from churn_platform.published.format import ONNX_INPUT, ONNX_PROBABILITIES
from churn_platform.training.candidates import tree_contributions
from churn_platform.training.candidates.algorithm import Parameters, RowStream
from churn_platform.training.candidates.tree_contributions import TooDeepError
from churn_platform.training.training_data import Labelled

if TYPE_CHECKING:
    from onnx import ModelProto
    from optuna import Trial
    from xgboost import DataIter, XGBClassifier

LIBRARY = "xgboost"
# No one set suits every table, as for LightGBM.
DEFAULTS: Sequence[Parameters] = (
    {
        "learning_rate": 0.05,
        "max_depth": 3,
        "min_child_weight": 5.0,
        "colsample_bytree": 0.6,
        "subsample": 0.8,
        "reg_lambda": 2.0,
    },
    {
        "learning_rate": 0.1,
        "max_depth": 8,
        "min_child_weight": 1.0,
        "colsample_bytree": 0.7,
        "subsample": 0.9,
        "reg_lambda": 0.5,
    },
)
ROUNDS_MAX = 2000
PATIENCE_ROUNDS = 50


def suggest(trial: "Trial") -> Parameters:
    """From stumps to deep trees, in steps small enough for the rounds that there may be."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.15, log=True),
        "max_depth": trial.suggest_int("max_depth", 1, 9),
        "min_child_weight": trial.suggest_float("min_child_weight", 1.0, 100.0, log=True),
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
) -> "XGBClassifier":
    """The fitted classifier."""
    model = _classifier(parameters, seed=seed, threads=threads)
    eval_set = None
    if stop_on is not None:
        model.set_params(n_estimators=ROUNDS_MAX, early_stopping_rounds=PATIENCE_ROUNDS)
        eval_set = [(stop_on.features, stop_on.churned)]

    return model.fit(
        train.features,
        train.churned,
        sample_weight=train.weights,
        eval_set=eval_set,
        verbose=False,
    )


def _classifier(parameters: Parameters, *, seed: int, threads: int) -> "XGBClassifier":
    from xgboost import XGBClassifier

    return XGBClassifier(
        **parameters,
        objective="binary:logistic",
        tree_method="hist",
        eval_metric="logloss",
        random_state=seed,
        n_jobs=threads,
    )


def fit_streamed(
    rows: RowStream, parameters: Parameters, *, seed: int, threads: int, cache_dir: Path
) -> "XGBClassifier":
    """As `fit` with a number of rounds given, its rows read in batches and kept binned on disk
    while it runs.

    The bins are found batch by batch, so split points differ a little from those of a fit in
    memory.
    """
    import xgboost

    model = _classifier(parameters, seed=seed, threads=threads)
    # External memory: at most one batch and the binned cache are in memory. A million rows of 45
    # features took 125 MB above an idle process, against 276 MB in memory, with the same AUC.
    binned = xgboost.ExtMemQuantileDMatrix(_batches(rows, cache_dir / "rows"), nthread=threads)
    settings = model.get_xgb_params()
    booster = xgboost.train(settings, binned, num_boost_round=model.get_num_boosting_rounds())
    model.load_model(booster.save_raw())
    return model


def _batches(rows: RowStream, cache: Path) -> "DataIter":
    import xgboost

    class Batches(xgboost.DataIter):
        def __init__(self) -> None:
            self.left = rows()
            super().__init__(cache_prefix=str(cache), release_data=True)

        def reset(self) -> None:
            self.left = rows()

        def next(self, input_data: Callable) -> bool:
            batch = next(self.left, None)
            if batch is not None:
                input_data(
                    data=batch.features,
                    label=batch.churned,
                    weight=batch.weights,
                )

            return batch is not None

    return Batches()


def rounds(estimator: "XGBClassifier") -> Parameters:
    """The best round of early stopping."""
    return {"n_estimators": estimator.best_iteration + 1}


def contributions(estimator: "XGBClassifier", features: np.ndarray) -> np.ndarray:
    """TreeSHAP values (Lundberg et al. 2020): by table where trees are shallow, else XGBoost's own,
    40 times slower.
    """
    import xgboost

    with _making_tables:
        if estimator not in _tables:
            _tables[estimator] = _units(estimator)

        units = _tables[estimator]

    if units is None:
        return (
            estimator.get_booster()
            .predict(xgboost.DMatrix(features), pred_contribs=True)[:, :-1]
            .astype(np.float64)
        )

    return tree_contributions.contributions(units, features)


# Weak: the tables go with their estimator, and a long-lived process does not collect them.
_tables: "WeakKeyDictionary[XGBClassifier, list[tree_contributions.Unit] | None]" = (
    WeakKeyDictionary()
)
_making_tables = Lock()  # they take half a second: threads that need the same ones wait


def _units(estimator: "XGBClassifier") -> list[tree_contributions.Unit] | None:
    """Tables of an estimator's trees; None if they are too deep for any."""
    saved = json.loads(estimator.get_booster().save_raw("json"))
    trees = saved["learner"]["gradient_booster"]["model"]["trees"]

    units = []
    try:
        for tree in trees:
            units += tree_contributions.units_of(_tree(tree))
    except TooDeepError:
        return None

    return units


def _tree(saved: dict[str, Any]) -> tree_contributions.Tree:
    """A tree as XGBoost saves it: a leaf's value is in place of the threshold."""
    numbers = np.array(saved["split_conditions"], dtype=np.float32)
    return tree_contributions.Tree(
        left=np.array(saved["left_children"]),
        right=np.array(saved["right_children"]),
        feature=np.array(saved["split_indices"]),
        threshold=numbers,
        missing_goes_left=np.array(saved["default_left"], dtype=bool),
        weight=np.array(saved["sum_hessian"]),
        value=numbers,
    )


def export(estimator: "XGBClassifier", width: int) -> bytes:
    """As onnxmltools converts it, then as a regression of the probability: a quarter faster for a
    few customers.
    """
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    inputs = [(ONNX_INPUT, FloatTensorType([None, width]))]
    return _as_regression(
        convert_xgboost(estimator, initial_types=inputs, target_opset=15)
    ).SerializeToString()


def _as_regression(classifier: "ModelProto") -> "ModelProto":
    """The same trees, with the probability of churn as the one number that comes out."""
    from onnx import TensorProto, helper

    (trees,) = classifier.graph.node
    said = {attribute.name: helper.get_attribute_value(attribute) for attribute in trees.attribute}
    nodes = {name: value for name, value in said.items() if name.startswith("nodes_")}
    ensemble = helper.make_node(
        "TreeEnsembleRegressor",
        [ONNX_INPUT],
        ["log_odds"],
        domain=trees.domain,
        n_targets=1,
        base_values=said["base_values"],
        target_ids=said["class_ids"],
        target_nodeids=said["class_nodeids"],
        target_treeids=said["class_treeids"],
        target_weights=said["class_weights"],
        **nodes,
    )
    sigmoid = helper.make_node("Sigmoid", ["log_odds"], [ONNX_PROBABILITIES])
    output = helper.make_tensor_value_info(ONNX_PROBABILITIES, TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph(
        [ensemble, sigmoid],
        classifier.graph.name,
        classifier.graph.input,
        [output],
    )
    return helper.make_model(
        graph,
        opset_imports=classifier.opset_import,
        ir_version=classifier.ir_version,
    )
