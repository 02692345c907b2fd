"""Random forest of scikit-learn, its trees kept small so that an export stays in the megabytes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from churn_platform.portfolios.spec import Feature
from churn_platform.training.candidates.algorithm import Parameters
from churn_platform.training.candidates.pipeline import per_feature, to_onnx, tree_preparation
from churn_platform.training.candidates.rounding import rounded_down
from churn_platform.training.log_odds import log_odds
from churn_platform.training.training_data import Labelled

if TYPE_CHECKING:
    from onnx import AttributeProto, ModelProto
    from optuna import Trial
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import Pipeline

LIBRARY = "scikit-learn"
DEFAULTS: Sequence[Parameters] = ({"max_depth": 10, "min_samples_leaf": 20, "max_features": 0.25},)
# The forest is the slowest to fit: at 15,000 rows it cost over twice what LightGBM cost at 37,500.
# With these limits the time does not grow with the data.
TREES = 100
LEAVES_MAX = 256
ROWS_PER_TREE = 20_000
fit_streamed = None
rounds = None  # more trees never fit worse


def suggest(trial: "Trial") -> Parameters:
    """Depth, size of leaves and share of columns tried at a split."""
    return {
        "max_depth": trial.suggest_int("max_depth", 4, 14),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 5, 200, log=True),
        "max_features": trial.suggest_float("max_features", 0.1, 0.6),
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
    """The fitted pipeline. A tree draws at most ROWS_PER_TREE rows, so that the time does not grow
    with the data.
    """
    # A row is drawn as often as its weight says, then counts once each time. Threads do not matter
    # to the trees. Predictions use one: several would add up the trees in changing order.
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import Pipeline

    model = RandomForestClassifier(
        n_estimators=TREES,
        max_leaf_nodes=LEAVES_MAX,
        max_samples=min(len(train), ROWS_PER_TREE),
        **parameters,
        random_state=seed,
        n_jobs=threads,
    )
    pipeline = Pipeline([("prepare", tree_preparation(features, train.features)), ("model", model)])
    pipeline.fit(train.features, train.churned, model__sample_weight=train.weights)
    model.set_params(n_jobs=1)
    return pipeline


def contributions(estimator: "Pipeline", features: np.ndarray) -> np.ndarray:
    """What the splits on a feature change, along the customer's paths, rescaled from probability to
    log-odds.
    """
    # On its way to a leaf the probability changes at each split; the change belongs to the feature
    # of the split (Saabas 2014), and depends on the leaf alone. That costs a look-up per tree,
    # where TreeSHAP would cost hundreds of times as much. The sum is p - p0, the forest's
    # probability less that of its roots; every contribution is then multiplied by (log-odds of p -
    # log-odds of p0) / (p - p0), the rescale rule of DeepLIFT (Shrikumar et al. 2017), which keeps
    # sign and proportions.
    from scipy.sparse import csr_matrix

    forest: RandomForestClassifier = estimator["model"]
    prepare = estimator["prepare"]
    prepared = prepare.transform(features)
    trees = [tree.tree_ for tree in forest.estimators_]

    sizes = [tree.node_count for tree in trees]
    starts = np.cumsum([0, *sizes])
    # All trees in one numbering, so that a sparse product with one table replaces a loop.
    leaves = forest.apply(prepared) + starts[:-1]
    row_starts = np.arange(len(leaves) + 1) * len(trees)
    counts = csr_matrix((np.ones(leaves.size), leaves.ravel(), row_starts))
    counts.resize(len(leaves), starts[-1])

    changes = []
    roots = []
    for tree in trees:
        changes.append(_changes(tree, prepared.shape[1]))
        roots.append(tree.value[0, 0, 1])

    table = per_feature(prepare, np.vstack(changes), features.shape[1])
    probability = forest.predict_proba(prepared)[:, 1]
    mean_changes = (counts @ table) / len(trees)
    return mean_changes * _log_odds_per_probability(probability, float(np.mean(roots)))


def _changes(tree: object, width: int) -> np.ndarray:
    """For each node the change of probability that each prepared column made on the way to it,
    (nodes, width).
    """
    probability = tree.value[:, 0, 1]  # type: ignore[attr-defined]
    left, right = tree.children_left, tree.children_right  # type: ignore[attr-defined]
    changes = np.zeros((len(probability), width))
    for node, column in enumerate(tree.feature):  # type: ignore[attr-defined]
        for child in (left[node], right[node]):
            if child > 0:  # a child comes after its parent
                changes[child] = changes[node]
                changes[child, column] += probability[child] - probability[node]

    return changes


def _log_odds_per_probability(probability: np.ndarray, root: float) -> np.ndarray:
    """Slope of the line from the root's log-odds to each probability's, (rows, 1); of the tangent
    where they meet.
    """
    change = probability - root
    is_away = np.abs(change) > 1e-9
    step = np.where(is_away, change, 1.0)
    secant = (log_odds(probability) - log_odds(np.array(root))) / step
    tangent = 1 / (root * (1 - root))
    slope = np.where(is_away, secant, tangent)
    return slope[:, None]


def export(estimator: "Pipeline", width: int) -> bytes:
    """As skl2onnx converts it, but with its thresholds and directions of missing values put right.

    Features are float32 and thresholds float64: `x <= threshold` is the same as `x <= threshold
    rounded down to float32`, not rounded to the nearest. The converter forgets where missing values
    go.
    """
    exported = to_onnx(estimator, width)
    thresholds, goes_left = [], []
    for fitted in estimator["model"].estimators_:
        tree = fitted.tree_
        is_split = tree.children_left > 0
        thresholds.append(np.where(is_split, tree.threshold, 0))
        goes_left.append(np.where(is_split, tree.missing_go_to_left, 0))

    attributes = _ensemble_attributes(exported)
    values = rounded_down(np.concatenate(thresholds))
    tracks_true = np.concatenate(goes_left).astype(int)
    attributes["nodes_values"].floats[:] = values.tolist()
    attributes["nodes_missing_value_tracks_true"].ints[:] = tracks_true.tolist()
    return exported.SerializeToString()


def _ensemble_attributes(exported: "ModelProto") -> "dict[str, AttributeProto]":
    """The attributes of the one node that holds the trees, by name."""
    nodes = exported.graph.node
    (ensemble,) = [node for node in nodes if node.op_type == "TreeEnsembleClassifier"]
    return {attribute.name: attribute for attribute in ensemble.attribute}
