"""The random forest: contributions follow its paths."""

import numpy as np
import pytest

from churn_platform.portfolios.spec import Feature
from churn_platform.training.candidates import random_forest
from churn_platform_tests.training.conftest import labelled

NUMBER = Feature(name="x", type="number", group="g", description="d", reason="r")


def test_a_forests_contributions_follow_its_paths():
    """One feature, one split: everything that differs from the root is its doing, in log-odds."""
    features = np.float32([[0]] * 50 + [[1]] * 50)
    churned = np.array([0] * 40 + [1] * 10 + [1] * 40 + [0] * 10, dtype=np.int8)
    train = labelled(np.hstack([features, np.zeros_like(features)]), churned)
    other = NUMBER.model_copy(update={"name": "y"})
    parameters = {"max_depth": 1, "min_samples_leaf": 5, "max_features": 2}
    estimator = random_forest.fit([NUMBER, other], train, parameters, seed=1, threads=1)
    given = random_forest.contributions(estimator, np.float32([[0, 0], [1, 0]]))
    probability = estimator.predict_proba(np.float32([[0, 0], [1, 0]]))[:, 1]
    odds = np.log(probability / (1 - probability))
    assert given[:, 1].tolist() == [0, 0]
    assert given[1, 0] - given[0, 0] == pytest.approx(odds[1] - odds[0])
    assert given[0, 0] < 0 < given[1, 0]
