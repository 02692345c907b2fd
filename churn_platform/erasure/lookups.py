"""Published look-ups without the customer: each month that holds the id is published anew, under its own name."""

from collections.abc import Iterator
from pathlib import Path

import lmdb

from churn_platform.erasure.search import is_in_lookup
from churn_platform.published.contract import FEATURES_FILE, FeaturesManifest, features_dir, read_features_manifest
from churn_platform.published.features_bundle import publish_features
from churn_platform.published.files import remove_stale


def erase_from_lookups(root: Path, customer_id: str) -> list[str]:
    """The months of a portfolio's published folder that were rewritten.

    A reader that has the old file open goes on reading it until it follows the folder's link to the new one.
    """
    rewritten = []
    for folder in sorted((root / "features").glob("[0-9]*")):
        remove_stale(folder)  # a kill between the new folder and the removal of the old one
        if is_in_lookup(folder / FEATURES_FILE, customer_id):
            _publish_others(root, read_features_manifest(folder), customer_id)
            rewritten.append(folder.name)
    return rewritten


def _publish_others(root: Path, manifest: FeaturesManifest, customer_id: str) -> None:
    path = features_dir(root, manifest.month) / FEATURES_FILE
    publish_features(
        root,
        portfolio=manifest.portfolio,
        month=manifest.month,
        features=list(manifest.features),
        scored_by=manifest.scored_by,
        customers=_others(path, customer_id),
    )


def _others(path: Path, customer_id: str) -> Iterator[tuple[str, bytes]]:
    with lmdb.open(str(path), subdir=False, readonly=True, lock=False) as store, store.begin() as transaction:
        for key, packed in transaction.cursor():
            if (found := key.decode()) != customer_id:
                yield found, packed
