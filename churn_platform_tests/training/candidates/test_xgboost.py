"""XGBoost: rows that are streamed make the model of rows in memory."""

import numpy as np

from churn_platform.training.candidates import xgboost
from churn_platform_tests.support.tiny import TINY, customers
from churn_platform_tests.training.conftest import exported

TRAIN = customers(1_500, seed=1)


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
