"""A published model is the model: the same numbers from files alone, or it is not published."""

import os
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from churn_platform.bundles import model_bundle
from churn_platform.bundles.model_bundle import publish_model
from churn_platform.bundles.onnx import run
from churn_platform.errors import PublicationError
from churn_platform.published.format import (
    MANIFEST_FILE,
    MODEL_FILE,
    model_dir,
    read_model_manifest,
)
from churn_platform.published.regular_files import file_sha256
from churn_platform.training.model import Calibration
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import customers

SAMPLE = customers(300, seed=6).features


class Contrary(BaseEstimator):
    """An estimator that answers otherwise than its export."""

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Even odds for everyone."""
        return np.full((len(features), 2), 0.5)


def test_the_bundle_alone_gives_the_models_probabilities(tmp_path, model, record):
    """ONNX file and calibration reproduce every native probability within 1e-5, missing values
    included.
    """
    difference = publish_model(tmp_path, 3, model, record, SAMPLE)
    folder = model_dir(tmp_path, 3)
    manifest = read_model_manifest(folder)
    calibration = Calibration(manifest.calibration_slope, manifest.calibration_intercept)
    served = calibration(run(folder / MODEL_FILE, SAMPLE))
    assert np.isnan(SAMPLE).any()
    np.testing.assert_allclose(served, model.churn_probability(SAMPLE), atol=1e-5, rtol=0)
    assert difference == pytest.approx(
        np.abs(served - model.churn_probability(SAMPLE)).max(), abs=1e-12
    )


def test_the_smoke_prediction_is_reproduced(tmp_path, model, record):
    """The values in the manifest, missing ones as null, get the recorded probability from the
    files.
    """
    sample = np.where([True, False, False, False], np.nan, SAMPLE).astype(np.float32)
    for version, given, is_missing in ((3, SAMPLE, False), (4, sample, True)):
        publish_model(tmp_path, version, model, record, given)
        manifest = read_model_manifest(model_dir(tmp_path, version))
        assert (None in manifest.smoke.features) == is_missing
        calibration = Calibration(manifest.calibration_slope, manifest.calibration_intercept)
        values = np.array([manifest.smoke.features], dtype=np.float32)
        served = calibration(run(model_dir(tmp_path, version) / MODEL_FILE, values))[0]
        assert served == pytest.approx(manifest.smoke.churn_probability, abs=1e-5)


@invariant("Care", "No manifest of a bundle holds a customer.")
def test_no_customer_is_published(tmp_path, model, record):
    """The smoke prediction is made of the references: the median 2 and 3, late, the yearly plan;
    nobody is all that.
    """
    sample = np.float32([[1, 4, 1, 2], [2, 1, 1, 0], [3, 3, 0, 2], [np.nan, 3, 1, np.nan]])
    publish_model(tmp_path, 3, model, record, sample)
    assert read_model_manifest(model_dir(tmp_path, 3)).smoke.features == (2, 3, 1, 2)
    assert not (sample == [2, 3, 1, 2]).all(axis=1).any()


def test_the_manifest_says_how_much_each_feature_matters(tmp_path, model, record):
    """Importance is the mean absolute contribution over the sample; tickets decide most among the
    tiny customers.
    """
    publish_model(tmp_path, 3, model, record, SAMPLE)
    manifest = read_model_manifest(model_dir(tmp_path, 3))
    importance = {feature.name: feature.importance for feature in manifest.features}
    assert max(importance, key=lambda name: importance[name] or 0.0) == "tickets"
    assert importance["tickets"] == pytest.approx(np.abs(model.contributions(SAMPLE)[:, 1]).mean())


def test_the_manifest_says_where_the_model_comes_from(tmp_path, model, record):
    """Version, provenance, tiers and the file's hash stand in it."""
    publish_model(tmp_path, 3, model, record, SAMPLE)
    manifest = read_model_manifest(model_dir(tmp_path, 3))
    assert (manifest.version, manifest.algorithm, manifest.portfolio) == (
        3,
        model.algorithm,
        "tiny",
    )
    assert (manifest.data_snapshot, manifest.mlflow_run_id, manifest.code_version) == (
        17,
        "run",
        "1+abc",
    )
    assert [(tier.name, tier.lower_bound) for tier in manifest.tiers] == record.tiers
    assert manifest.metrics == record.holdout
    assert manifest.sha256 == {MODEL_FILE: file_sha256(model_dir(tmp_path, 3) / MODEL_FILE)}


def test_the_same_model_gives_the_same_files(tmp_path, model, record):
    """Model and manifest do not change by a byte when they are published again: nothing new would
    go on record.
    """
    folder, files = model_dir(tmp_path, 3), (MODEL_FILE, MANIFEST_FILE)
    publish_model(tmp_path, 3, model, record, SAMPLE)
    before = [file_sha256(folder / name) for name in files]
    publish_model(tmp_path, 3, model, record, SAMPLE)
    assert [file_sha256(folder / name) for name in files] == before


def test_a_pipe_in_a_bundle_is_refused_and_not_waited_for(tmp_path, model, record):
    """With a pipe in the place of a file the bundle counts as not whole, and nobody waits for a
    writer.
    """
    publish_model(tmp_path, 3, model, record, SAMPLE)
    path = model_dir(tmp_path, 3) / MODEL_FILE
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(PublicationError, match="version 3 has no whole bundle"):
        model_bundle.read_bundle(tmp_path, 3)


def test_defaults_stand_in_for_what_is_left_out(tmp_path, model, record):
    """The median of a number, the most frequent level or truth value; none where missing is
    legitimate.
    """
    sample = np.float32([[1, 4, 1, 2], [2, 1, 1, 0], [3, 3, 0, 2], [np.nan, 3, 1, np.nan]])
    publish_model(tmp_path, 3, model, record, sample)
    defaults = {
        feature.name: feature.default
        for feature in read_model_manifest(model_dir(tmp_path, 3)).features
    }
    assert defaults == {"usage": None, "tickets": 3.0, "is_late": True, "plan": "yearly"}


@invariant("Promotion", "No bundle is written before ONNX and the native model agree.")
def test_a_model_that_differs_is_not_published(tmp_path, model, record, monkeypatch):
    """Beyond 1e-5 publication is refused, says by how much, and leaves nothing behind."""
    exported = model_bundle.export(model)
    monkeypatch.setattr(model_bundle, "export", lambda _: exported)
    contrary = replace(model, estimator=Contrary())
    with pytest.raises(
        PublicationError, match=r"differs from the native model by .* \(allowed 1e-05\), row \d+"
    ):
        publish_model(tmp_path, 3, contrary, record, SAMPLE)
    assert list(tmp_path.rglob("*")) == []


def test_a_refusal_keeps_the_bundle_that_was_there(tmp_path, model, record, monkeypatch):
    """The version published before is untouched by one that is refused."""
    publish_model(tmp_path, 3, model, record, SAMPLE)
    before = (model_dir(tmp_path, 3) / MODEL_FILE).read_bytes()
    monkeypatch.setattr(model_bundle, "export", lambda _: before)
    with pytest.raises(PublicationError):
        publish_model(tmp_path, 3, replace(model, estimator=Contrary()), record, SAMPLE)
    assert (model_dir(tmp_path, 3) / MODEL_FILE).read_bytes() == before
