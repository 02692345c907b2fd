"""LightGBM: rounded split points change no answer."""

import numpy as np

from churn_platform.training.candidates import lightgbm
from churn_platform_tests.support.tiny import TINY, customers

TRAIN = customers(1_500, seed=1)


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
