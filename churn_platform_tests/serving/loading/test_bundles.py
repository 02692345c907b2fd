"""A published bundle is loaded whole, from its own files, or refused."""

import json
import os

import numpy as np
import pytest

from churn_platform.published.format import (
    MANIFEST_FILE,
    MODEL_FILE,
    model_dir,
)
from churn_platform.published.regular_files import file_sha256
from churn_platform_tests.serving.conftest import change, load, model_manifest
from churn_platform_tests.serving.onnx_files import with_external_weights
from serving.errors import BundleError


@pytest.mark.parametrize("count", [3, 5])
def test_a_manifest_with_another_number_of_features_than_the_model_is_refused(root, count):
    """One feature more or less than the model takes."""
    manifest = json.loads(model_manifest(root).read_bytes())
    features = [*manifest["features"], manifest["features"][0] | {"name": "more"}][:count]
    smoke = manifest["smoke"] | {"features": [*manifest["smoke"]["features"], 0.0][:count]}
    model_manifest(root).write_text(json.dumps(manifest | {"features": features, "smoke": smoke}))
    with pytest.raises(BundleError, match=f"its manifest has {count} features"):
        load(root)


@pytest.mark.parametrize("name", [MODEL_FILE, MANIFEST_FILE])
def test_a_pipe_in_a_bundle_is_refused_and_waits_for_nobody(root, name):
    """Opening a pipe would hang until somebody writes."""
    path = model_dir(root, 1) / name
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BundleError, match="is no plain file"):
        load(root)


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/hostname", "../../live.json"])
def test_a_link_out_of_a_bundle_is_refused(root, target):
    """A hash of a device would never end, and what lies elsewhere is not the bundle's."""
    (model_dir(root, 1) / "card.html").symlink_to(target)
    change(model_manifest(root), "sha256", "card.html", to="0" * 64)
    with pytest.raises(BundleError, match="outside of its bundle"):
        load(root)


def test_a_model_with_weights_in_another_file_is_refused(root):
    """No hash covers them, so they could change under a loaded manifest."""
    folder = model_dir(root, 1)
    (folder / MODEL_FILE).write_bytes(with_external_weights("weights.bin"))
    np.ones(4, dtype=np.float32).tofile(folder / "weights.bin")
    change(model_manifest(root), "sha256", MODEL_FILE, to=file_sha256(folder / MODEL_FILE))
    with pytest.raises(BundleError, match="External data"):
        load(root)
