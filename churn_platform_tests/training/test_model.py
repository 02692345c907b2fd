"""What every algorithm promises, held against each of them."""

import pickle

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from churn_platform.errors import DataError
from churn_platform.training.model import Calibration, fit_calibration, fit_model, log_odds
from churn_platform_tests.support.tiny import TINY, customers, fit_tiny

OTHERS = customers(300, seed=3)


def test_the_seed_decides_the_model(model):
    """Fitted twice with one seed, the model gives the same probabilities to the last bit."""
    again = fit_tiny(model.algorithm)
    np.testing.assert_array_equal(
        again.churn_probability(OTHERS.features), model.churn_probability(OTHERS.features)
    )


def test_probabilities_are_such(model):
    """One finite number between 0 and 1 for each customer, float64."""
    probability = model.churn_probability(OTHERS.features)
    assert (probability.shape, probability.dtype) == ((300,), np.float64)
    assert ((probability > 0) & (probability < 1)).all()


def test_churners_are_found(model):
    """The model ranks customers it has not seen far better than chance, and their number fits."""
    probability = model.churn_probability(OTHERS.features)
    assert roc_auc_score(OTHERS.churned, probability) > 0.75
    assert abs(probability.mean() - OTHERS.churned.mean()) < 0.06


def test_a_customer_of_missing_values_has_a_score(model):
    """A customer of whom nothing is known gets a probability, not an error."""
    unknown = np.full((1, 4), np.nan, dtype=np.float32)
    assert 0 < model.churn_probability(unknown)[0] < 1


def test_an_unseen_level_is_no_known_level(model):
    """A level that the catalogue does not know, missing once encoded, scores unlike at least two
    known ones.
    """
    row = np.array([50, 2, 0, np.nan], dtype=np.float32)
    known = np.array([[50, 2, 0, level] for level in range(3)], dtype=np.float32)
    scores = model.churn_probability(np.vstack([row, known]))
    assert np.isclose(scores[0], scores[1:], atol=1e-9).sum() <= 1


def test_rows_do_not_depend_on_each_other(model):
    """A customer scored alone has the score that it has among others."""
    alone = [model.churn_probability(OTHERS.features[row : row + 1])[0] for row in range(5)]
    np.testing.assert_allclose(alone, model.churn_probability(OTHERS.features)[:5], rtol=1e-12)


def test_scoring_leaves_its_input_alone(model):
    """Neither scoring nor explaining writes into the features."""
    features = OTHERS.features.copy()
    model.churn_probability(features)
    model.contributions(features)
    np.testing.assert_array_equal(features, OTHERS.features)


def test_calibration_keeps_the_ranking(model):
    """The slope is positive, so calibrated and raw probabilities rank alike."""
    raw, calibrated = (
        model.raw_probability(OTHERS.features),
        model.churn_probability(OTHERS.features),
    )
    assert model.calibration.slope > 0
    assert roc_auc_score(OTHERS.churned, raw) == pytest.approx(
        roc_auc_score(OTHERS.churned, calibrated), abs=1e-6
    )


def test_contributions_add_up_to_the_log_odds(model):
    """Between any two customers, sums of contributions differ by what their raw log-odds differ."""
    sums = model.contributions(OTHERS.features).sum(axis=1)
    raw = log_odds(model.raw_probability(OTHERS.features))
    np.testing.assert_allclose(sums - sums[0], raw - raw[0], atol=2e-4)


def test_contributions_are_against_the_average_customer(model):
    """Over the validation customers that make the baseline, each feature's contributions average to
    zero.
    """
    background = customers(500, seed=2).features
    np.testing.assert_allclose(model.contributions(background).mean(axis=0), 0, atol=1e-6)


def test_contributions_point_the_right_way(model):
    """Many tickets raise the risk, much use lowers it."""
    low, high = np.array([[5, 5, 1, 1], [95, 0, 0, 1]], dtype=np.float32)
    given = model.contributions(np.vstack([low, high]))
    assert (given[0, :2] > 0).all()
    assert (given[1, :2] < 0).all()


def test_a_pickled_model_scores_the_same(model):
    """What MLflow stores comes back whole."""
    back = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(
        back.churn_probability(OTHERS.features), model.churn_probability(OTHERS.features)
    )
    np.testing.assert_array_equal(
        back.contributions(OTHERS.features), model.contributions(OTHERS.features)
    )


def test_calibration_is_platt_scaling():
    """Calibrated log-odds are slope times raw log-odds plus intercept; certainty stays finite."""
    calibration = Calibration(slope=2.0, intercept=-1.0)
    assert calibration(np.array([0.5]))[0] == pytest.approx(1 / (1 + np.e))
    assert np.isfinite(log_odds(calibration(np.array([0.0, 1.0])))).all()


def test_calibration_undoes_a_distortion():
    """Outcomes drawn at half the raw log-odds give a slope of about one half."""
    generator = np.random.default_rng(5)
    raw_log_odds = generator.normal(0, 2, 20_000)
    churned = (generator.uniform(size=20_000) < 1 / (1 + np.exp(-raw_log_odds / 2))).astype(int)
    fitted = fit_calibration(1 / (1 + np.exp(-raw_log_odds)), churned)
    assert (fitted.slope, fitted.intercept) == (
        pytest.approx(0.5, abs=0.03),
        pytest.approx(0, abs=0.05),
    )


def test_calibration_never_turns_the_ranking_round():
    """Where raw probabilities rank the wrong way round, they stay as they are."""
    raw, churned = np.array([0.1, 0.2, 0.8, 0.9]), np.array([1, 1, 0, 0])
    assert fit_calibration(raw, churned) == Calibration(1.0, 0.0)


def test_a_feature_that_is_always_missing_is_survived(model):
    """A column without one value in training neither fails nor moves a score."""
    train, validation = customers(300, seed=1), customers(200, seed=2)
    for part in (train, validation):
        part.features[:, 0] = np.nan
    fitted = fit_model(model.algorithm, TINY.features, train, validation, seed=1, threads=1)
    assert fitted.contributions(validation.features)[:, 0] == pytest.approx(0, abs=1e-9)


def test_a_model_finds_its_own_features_in_a_grown_catalogue(model):
    """Columns that came later, or stand elsewhere, do not change a model's answer; a lost one is
    named.
    """
    names = [feature.name for feature in model.features]
    features = np.zeros((2, len(names)), dtype=np.float32)
    features[1] = 1
    grown = np.hstack([np.full((2, 1), 9, dtype=np.float32), features[:, ::-1]])
    np.testing.assert_array_equal(model.own(grown, ["newcomer", *names[::-1]]), features)
    with pytest.raises(DataError, match=names[0]):
        model.own(features[:, 1:], names[1:])
