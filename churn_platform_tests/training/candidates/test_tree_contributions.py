"""TreeSHAP values by table."""

import numpy as np
import pytest

from churn_platform.training.candidates.tree_contributions import (
    TooDeepError,
    Tree,
    contributions,
    units_of,
)
from churn_platform.training.candidates.xgboost import contributions as of_booster

xgboost = pytest.importorskip("xgboost")


def stump() -> Tree:
    """One split of feature 1 at 5: a quarter of the weight goes left to a leaf of 8, the rest to
    one of 0.
    """
    return Tree(
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        feature=np.array([1, 0, 0]),
        threshold=np.array([5, 8, 0], dtype=np.float32),
        missing_goes_left=np.array([True, False, False]),
        weight=np.array([4.0, 1.0, 3.0]),
        value=np.array([5, 8, 0], dtype=np.float32),
    )


def booster(depth: int, seed: int = 3):
    """A classifier of 20 trees over 6 features with gaps and repeated splits, and the rows it was
    fitted on.
    """
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(3_000, 6)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    churned = np.nan_to_num(rows[:, 0]) * np.nan_to_num(rows[:, 1]) + np.isnan(rows[:, 2]) > 0.3
    return xgboost.XGBClassifier(n_estimators=20, max_depth=depth, n_jobs=1, random_state=0).fit(
        rows, churned
    ), rows


def test_a_stump_adds_what_its_answer_changes():
    """The mean leaf is 2: going left adds 6, going right takes 2 away; a missing value goes where
    it was sent.
    """
    rows = np.array([[0, 4], [0, 5], [0, np.nan]], dtype=np.float32)
    assert contributions(units_of(stump()), rows).tolist() == [[0, 6], [0, -2], [0, 6]]


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6])
def test_values_are_those_of_the_library(depth):
    """Whole trees and trees in parts, with gaps and features that split twice: as XGBoost's own
    TreeSHAP.
    """
    model, rows = booster(depth)
    expected = model.get_booster().predict(xgboost.DMatrix(rows), pred_contribs=True)[:, :-1]
    np.testing.assert_allclose(of_booster(model, rows), expected, atol=1e-5)


def test_deep_trees_are_left_to_the_library():
    """Beyond six splits a table would be too large: no table is made, and XGBoost's own values are
    given.
    """
    model, rows = booster(9)
    expected = model.get_booster().predict(xgboost.DMatrix(rows), pred_contribs=True)[:, :-1]
    np.testing.assert_array_equal(of_booster(model, rows), expected.astype(np.float64))


def test_a_tree_too_deep_is_refused():
    """A chain of ten splits has too many patterns, in parts too."""
    left = np.array([*range(1, 11), *[-1] * 11])
    right = np.array([*range(11, 21), *[-1] * 11])
    numbers = np.ones(21, dtype=np.float32)
    tree = Tree(
        left,
        right,
        np.zeros(21, dtype=int),
        numbers,
        np.zeros(21, dtype=bool),
        np.ones(21),
        numbers,
    )
    with pytest.raises(TooDeepError, match="deeper than 6"):
        units_of(tree)


def test_no_rows_give_no_values():
    """An empty batch."""
    assert contributions(units_of(stump()), np.empty((0, 2), dtype=np.float32)).shape == (0, 2)
