"""A look-up that is served cannot be changed under the service, and a changed file is noticed."""

import errno
import os
import stat
from pathlib import Path

import pytest

from churn_platform.published.format import FEATURES_FILE, MODEL_FILE, features_dir, model_dir
from churn_platform.published.lookup_copy import is_lookup_copy
from churn_platform.published.regular_files import file_sha256
from churn_platform.training.model import ChurnModel
from churn_platform_tests.support.served_bundles import MONTH, publish, publish_month
from churn_platform_tests.support.tiny import fit_tiny
from serving.errors import BundleError
from serving.registry import ServedPortfolio, load_portfolio
from serving.storage.private_copy import private_copy, remove_other_copies


@pytest.fixture(scope="module")
def linear() -> ChurnModel:
    """The model that is served."""
    return fit_tiny("logistic_regression")


@pytest.fixture
def root(tmp_path: Path, linear: ChurnModel) -> Path:
    """A published portfolio."""
    return publish(tmp_path / "published", linear)


def load(root: Path, current: ServedPortfolio | None = None) -> ServedPortfolio:
    """Load the portfolio as a worker does."""
    return load_portfolio(root, current, key="k", copies=root.parent / "lookups" / "tiny")


def test_a_file_written_over_in_place_kills_nobody(root):
    """`cp` cuts the published file off first: who reads the copy notices nothing."""
    served = load(root)
    os.truncate(features_dir(root, MONTH) / FEATURES_FILE, 0)
    assert served.features.get("C00001").reasons == ("reason of C00001",)


@pytest.mark.parametrize(
    "file", [features_dir(Path(), MONTH) / FEATURES_FILE, model_dir(Path(), 1) / MODEL_FILE]
)
def test_a_file_changed_in_place_is_read_again_and_refused(root, file):
    """The state in memory does not hide that the published file is not what its manifest says."""
    served = load(root)
    with (root / file).open("ab") as changed:
        changed.write(b"x")
    with pytest.raises(BundleError, match="SHA-256 is"):
        load(root, served)


def test_what_has_not_changed_is_not_read_again(root):
    """A month of millions of customers is checked once, however often live.json changes."""
    served = load(root)
    again = load(root, served)
    assert again.features is served.features
    assert again.models[1] is served.models[1]


def test_a_month_made_again_goes_live_with_its_new_contents(root, linear):
    """Published anew in its old place, as after an erasure; the copy of before goes."""
    served = load(root)
    publish_month(root, linear, scored_by=9)
    fresh = load(root, served)
    assert fresh.features is not served.features
    assert fresh.scored_by == 9


def test_one_copy_serves_all_workers_and_is_its_owners_alone(tmp_path):
    """The second who asks finds it; what is no longer live is removed."""
    source = tmp_path / "source"
    source.write_bytes(b"customers")
    folder = tmp_path / "lookups" / "tiny"
    with pytest.raises(BundleError, match="the manifest says"):
        private_copy(source, folder, "0" * 64)
    digest = file_sha256(source)
    first = private_copy(source, folder, digest)
    source.unlink()
    assert private_copy(source, folder, digest) == first
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert is_lookup_copy(first, "tiny")
    assert not is_lookup_copy(first, "other")
    remove_other_copies(folder, None)
    assert not first.exists()


def test_a_copy_that_was_damaged_is_made_anew(root):
    """Half a copy, left by a loss of power, is not served."""
    served = load(root)
    (copy,) = (root.parent / "lookups").rglob(FEATURES_FILE)
    good = copy.read_bytes()
    copy.unlink()
    copy.write_bytes(good[:100])
    del served
    load(root)
    assert copy.read_bytes() == good


@pytest.mark.parametrize("code", [errno.EXDEV, errno.ENOSPC])
def test_a_file_system_that_cannot_clone_is_copied_to(root, monkeypatch, code):
    """Another file system takes bytes instead; a full one refuses the bundle
    and says what to do.
    """

    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "copy_file_range", refuse)
    if code == errno.EXDEV:
        assert load(root).features.get("C00001")
    else:
        with pytest.raises(BundleError, match="free space there"):
            load(root)
