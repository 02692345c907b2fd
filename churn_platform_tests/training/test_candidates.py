"""What is particular to an algorithm: split points, missing values, streamed rows."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.special import expit

from churn_platform.portfolios.spec import Feature
from churn_platform.training.candidates import ALGORITHMS
from churn_platform.training.candidates.rounding import rounded_down
from churn_platform_tests.support.tiny import TINY, customers
from churn_platform_tests.training.conftest import exported, labelled

TRAIN = customers(1_500, seed=1)
NUMBER = Feature(name="x", type="number", group="g", description="d", reason="r")


def test_rounding_down_never_rounds_up():
    """A float64 just below a float32 becomes the float32 before it; a float32 stays."""
    one, before = np.float32(1), np.nextafter(np.float32(1), np.float32(0))
    middle = (float(one) + float(before)) / 2
    assert rounded_down(np.array([1.0, middle, float(before), -1.0])).tolist() == [
        one,
        before,
        before,
        -1,
    ]
    assert rounded_down(np.array([1 - 1e-12])).tolist() == [before]


@pytest.mark.parametrize("algorithm", TINY.candidates)
def test_neighbouring_numbers_stay_apart_in_the_export(algorithm):
    """Customers on either side of a split between two adjacent float32 numbers get their own
    probability from ONNX.
    """
    values = np.float32(1000) + np.arange(20_000, dtype=np.float32) % 64 * np.spacing(
        np.float32(1000)
    )
    generator = np.random.default_rng(1)
    step = (values > np.quantile(values, 0.4)) * 2.0 - (values > np.quantile(values, 0.7)) * 1.5
    churned = (generator.uniform(size=len(values)) < expit(step - 1)).astype(np.int8)
    train, module = labelled(values[:, None], churned), ALGORITHMS[algorithm]
    parameters = {
        **module.DEFAULTS[0],
        **({"n_estimators": 50} if algorithm in ("lightgbm", "xgboost") else {}),
    }
    estimator = module.fit([NUMBER], train, parameters, seed=1, threads=1)
    sample = np.unique(values)[:, None]
    native = estimator.predict_proba(sample)[:, 1]
    assert algorithm == "logistic_regression" or np.ptp(native) > 0.1
    np.testing.assert_allclose(exported(algorithm, estimator, sample), native, atol=1e-5)


@pytest.mark.parametrize("algorithm", TINY.candidates)
def test_what_was_never_missing_in_training_may_be_missing_later(algorithm):
    """A gap counts as the median, not as an extreme, and the export gives the same; only XGBoost
    has a way of its own.
    """
    whole = customers(1_500, seed=1)
    features = np.nan_to_num(whole.features, nan=1)
    module = ALGORITHMS[algorithm]
    parameters = {
        **module.DEFAULTS[0],
        **({"n_estimators": 50} if algorithm in ("lightgbm", "xgboost") else {}),
    }
    estimator = module.fit(
        TINY.features, labelled(features, whole.churned), parameters, seed=1, threads=1
    )
    median = np.median(features[:, 0])
    rows = np.float32(
        [[np.nan, 2, 0, 1], [median, 2, 0, 1], [0, 2, 0, 1], [50, 2, 0, np.nan], [50, 2, 0, 0]]
    )
    native = estimator.predict_proba(rows)[:, 1]
    np.testing.assert_allclose(exported(algorithm, estimator, rows), native, atol=1e-5)
    if algorithm != "xgboost":
        assert native[0] == native[1] != native[2]
        assert native[3] != native[4]


def rounds_of(algorithm: str) -> dict[str, int]:
    """A number of rounds, for an algorithm that has rounds."""
    return {"n_estimators": 150} if algorithm in ("lightgbm", "xgboost") else {}


@pytest.mark.parametrize("algorithm", TINY.candidates)
def test_a_row_counts_as_much_as_it_weighs(algorithm, tmp_path):
    """Two worlds contradict each other and one weighs 3 to 1: the probability is 3/4 of its and 1/4
    of the other's.
    """
    x = np.float32([[0], [1]] * 1_000)
    churned = np.concatenate([x[:1_000, 0], 1 - x[1_000:, 0]]).astype(np.int8)
    train = replace(labelled(x, churned), weights=np.repeat([0.5, 1.5], 1_000))
    module = ALGORITHMS[algorithm]
    parameters = {**module.DEFAULTS[0], **rounds_of(algorithm)}
    estimators = [module.fit([NUMBER], train, parameters, seed=1, threads=1)]
    if module.fit_streamed:
        batches = [train.take(np.arange(begin, begin + 500)) for begin in range(0, 2_000, 500)]
        rows = partial(iter, batches)
        estimators.append(
            module.fit_streamed(rows, parameters, seed=1, threads=1, cache_dir=tmp_path)
        )
    for estimator in estimators:
        given = estimator.predict_proba(np.float32([[0], [1]]))[:, 1]
        np.testing.assert_allclose(given, [0.75, 0.25], atol=0.02)


SAME_ROWS = {
    "logistic_regression": {},
    "lightgbm": {
        "subsample": 1.0,
        "colsample_bytree": 1.0,
        "min_child_samples": 1,
        "n_estimators": 60,
    },
    "xgboost": {"subsample": 1.0, "colsample_bytree": 1.0, "n_estimators": 60},
}


@pytest.mark.parametrize(
    ("algorithm", "tolerance"),
    [("logistic_regression", 0.01), ("lightgbm", 1e-6), ("xgboost", 1e-5)],
)
def test_a_row_of_weight_two_is_the_row_twice(algorithm, tolerance):
    """Rows that weigh 2 make the model of those rows doubled, where nothing is drawn and no leaf or
    bin counts rows.

    Nearly so for logistic regression: rows, not weights, scale its columns. A forest draws rows, by
    weight.
    """
    rows, weights = (
        replace(TRAIN, features=np.floor(TRAIN.features)),
        np.where(np.arange(len(TRAIN)) % 3, 1, 2),
    )
    twice = rows.take(np.repeat(np.arange(len(rows)), weights))
    module = ALGORITHMS[algorithm]
    parameters = {**module.DEFAULTS[0], **SAME_ROWS[algorithm]}
    given, expected, plain = (
        module.fit(TINY.features, train, parameters, seed=1, threads=1).predict_proba(
            rows.features
        )[:, 1]
        for train in (replace(rows, weights=weights.astype(np.float64)), twice, rows)
    )
    np.testing.assert_allclose(given, expected, atol=tolerance)
    assert np.abs(plain - expected).max() > 2 * tolerance
