"""The service's own copies of look-ups go with the customer they hold; those of others stay."""

from pathlib import Path

import numpy as np

from churn_platform.bundles.features_bundle import publish_features
from churn_platform.erasure.lookups import erase_from_copies
from churn_platform.published.format import (
    FEATURES_FILE,
    features_dir,
    pack_customer,
    read_features_manifest,
)
from churn_platform.published.regular_files import file_sha256
from churn_platform_tests.erasure.conftest import (
    ADA,
    BOB,
    World,
)
from serving.storage.private_copy import private_copy


def copy_of(folder: Path, portfolio: str, customer_id: str) -> Path:
    """A service's copy of a month with one customer."""
    packed = pack_customer(np.zeros(1, dtype=np.float32), 0.5, [])
    publish_features(
        folder / portfolio,
        portfolio=portfolio,
        month="2025-02",
        features=["usage"],
        scored_by=1,
        customers=[(customer_id, packed)],
    )
    published = features_dir(folder / portfolio, "2025-02") / FEATURES_FILE
    return private_copy(
        published, folder / "serving" / "lookups" / portfolio, file_sha256(published)
    )


def test_only_copies_with_the_customer_are_removed(tmp_path):
    """Neither a copy without, nor one of another portfolio in which the id is somebody else's."""
    hers, others = copy_of(tmp_path, "tiny", ADA), copy_of(tmp_path, "other", ADA)
    his = copy_of(tmp_path, "tiny", BOB)
    files = sorted(tmp_path.rglob("*.lmdb"))
    assert erase_from_copies(files, "tiny", ADA) == [hers]
    assert (hers.exists(), his.exists(), others.exists()) == (False, True, True)


def test_look_ups_keep_everybody_else(world: World) -> None:
    """The month is published anew with a true manifest; months without the
    customer are left alone.
    """
    root = world.installation.settings.published_dir / "tiny"
    january, february = features_dir(root, "2025-01"), features_dir(root, "2025-02")
    untouched = january.resolve()
    assert world.erase().months == ["2025-02"]
    assert january.resolve() == untouched
    manifest = read_features_manifest(february)
    assert (manifest.customers, manifest.scored_by, manifest.month) == (2, 3, "2025-02")
    assert manifest.sha256 == {FEATURES_FILE: file_sha256(february / FEATURES_FILE)}
    assert sorted(
        path.name for path in february.parent.iterdir() if not path.is_symlink()
    ) == sorted(folder.resolve().name for folder in (january, february))
