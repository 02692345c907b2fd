"""Reasons are looked for among the features that matter most, and nowhere else."""

import msgspec
import numpy as np
import pytest

from churn_platform.published.format import model_dir, read_model_manifest
from churn_platform_tests.support.served_bundles import PEOPLE, publish_version
from churn_platform_tests.support.tiny import fit_tiny
from serving.answer.effects import effects
from serving.loading import bundles
from serving.loading.bundles import Model, telling_places


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A published model, loaded as the service does."""
    root = tmp_path_factory.mktemp("published") / "tiny"
    publish_version(root, 1, fit_tiny("xgboost"))
    return Model(model_dir(root, 1), portfolio="tiny", version=1)


def test_effects_among_some_features_are_those_among_all(loaded):
    """Looking at fewer features changes no effect of those that are looked at."""
    vector = PEOPLE.features[1]
    (probability,) = loaded.churn_probabilities(vector.reshape(1, -1))
    everything = effects(loaded, vector, probability)
    assert len(everything) > 1
    for place, effect in everything.items():
        assert effects(loaded, vector, probability, among=np.array([place])) == {
            place: pytest.approx(effect)
        }
    assert effects(loaded, loaded.catalogue.references, 0.2, among=np.array([0, 1])) == {}


def test_the_most_important_features_are_looked_at(loaded, monkeypatch):
    """As many as may be, the most important first; a bundle that does not say how important they
    are gives all.
    """
    manifest = read_model_manifest(loaded.folder)
    weights = [0.1, 0.4, 0.0, 0.3]
    features = [
        msgspec.structs.replace(one, importance=weight)
        for one, weight in zip(manifest.features, weights, strict=True)
    ]
    monkeypatch.setattr(bundles, "TELLING", 2)
    assert telling_places(msgspec.structs.replace(manifest, features=tuple(features))).tolist() == [
        1,
        3,
    ]
    silent = tuple(msgspec.structs.replace(one, importance=None) for one in manifest.features)
    assert sorted(telling_places(msgspec.structs.replace(manifest, features=silent)).tolist()) == [
        0,
        1,
        2,
        3,
    ]
