"""What is particular to an algorithm: split points, missing values, streamed rows."""

from dataclasses import replace
from functools import partial

import numpy as np
import onnxruntime
import pytest
from scipy.special import expit

from churn_platform.portfolios.spec import Feature
from churn_platform.published.format import ONNX_INPUT
from churn_platform.training.candidates import ALGORITHMS, lightgbm, random_forest, xgboost
from churn_platform.training.candidates.pipeline import tree_preparation
from churn_platform.training.candidates.rounding import rounded_down
from churn_platform.training.training_data import Labelled
from churn_platform_tests.support.tiny import TINY, customers

TRAIN = customers(1_500, seed=1)
NUMBER = Feature(name="x", type="number", group="g", description="d", reason="r")


def labelled(features: np.ndarray, churned: np.ndarray) -> Labelled:
    """Rows with ids."""
    return Labelled(features, churned, np.arange(len(churned)).astype(str))


def exported(algorithm: str, estimator, features: np.ndarray) -> np.ndarray:
    """Raw probabilities of the export."""
    session = onnxruntime.InferenceSession(
        ALGORITHMS[algorithm].export(estimator, features.shape[1])
    )
    return session.run(["probabilities"], {ONNX_INPUT: features})[0][:, -1]


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


def test_rounding_split_points_changes_no_answer():
    """LightGBM with rounded split points answers as it did, to the last bit."""
    import lightgbm as library

    parameters = {**lightgbm.DEFAULTS[0], "n_estimators": 60}
    estimator = lightgbm.fit(TINY.features, TRAIN, parameters, seed=1, threads=1)
    model = library.LGBMClassifier(**estimator["model"].get_params())
    prepared = estimator["prepare"].transform(TRAIN.features)
    model.fit(prepared, TRAIN.churned)
    np.testing.assert_array_equal(
        model.predict_proba(prepared), estimator["model"].predict_proba(prepared)
    )
    assert model.booster_.model_to_string() != estimator["model"].booster_.model_to_string()


def test_levels_of_trees_have_columns_of_their_own():
    """Gaps stay where training had some, the median stands in elsewhere, a level unheard of is in
    no column.
    """
    train = np.float32([[1, 2, 0, 0], [np.nan, 4, 1, 1], [3, 9, 1, 2]])
    prepare = tree_preparation(TINY.features, train).fit(train)
    row = prepare.transform(np.full((1, 4), np.nan, dtype=np.float32))
    np.testing.assert_array_equal(row, np.float32([[np.nan, 4, 1, 0, 0, 0]]))
    assert row.dtype == np.float32


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


def test_streamed_rows_make_the_model_of_rows_in_memory(tmp_path):
    """XGBoost fitted on batches scores as fitted at once; only the bins, found by batch, may differ
    a little.
    """
    train, others = customers(20_000, seed=1), customers(2_000, seed=3)
    every_row_and_column = {"subsample": 1.0, "colsample_bytree": 1.0}
    parameters = {**xgboost.DEFAULTS[0], **every_row_and_column, "n_estimators": 60}
    batches = [train.take(np.arange(begin, begin + 2_500)) for begin in range(0, 20_000, 2_500)]
    at_once = xgboost.fit(TINY.features, train, parameters, seed=1, threads=1)
    streamed = xgboost.fit_streamed(
        lambda: iter(batches), parameters, seed=1, threads=1, cache_dir=tmp_path
    )
    given, expected = (model.predict_proba(others.features)[:, 1] for model in (streamed, at_once))
    assert np.abs(given - expected).mean() < 0.005
    assert np.abs(given - expected).max() < 0.05
    assert np.corrcoef(given, expected)[0, 1] > 0.999
    np.testing.assert_allclose(exported("xgboost", streamed, others.features), given, atol=1e-5)


def test_a_streamed_fit_repeats(tmp_path):
    """The same batches and parameters give the same model, also with sampling
    of rows and columns.
    """
    parameters = {**xgboost.DEFAULTS[0], "n_estimators": 30}
    batches = [TRAIN.take(np.arange(begin, begin + 500)) for begin in (0, 500, 1_000)]
    first, second = (
        xgboost.fit_streamed(
            lambda: iter(batches), parameters, seed=1, threads=1, cache_dir=tmp_path
        )
        for _ in range(2)
    )
    np.testing.assert_array_equal(
        first.predict_proba(TRAIN.features), second.predict_proba(TRAIN.features)
    )


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
