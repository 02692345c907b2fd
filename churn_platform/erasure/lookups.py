"""Published look-ups without the customer: each month that holds the id is published again, under
its own name.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from churn_platform.bundles.features_bundle import publish_features
from churn_platform.erasure.search import is_in_lookup, reading_lookup
from churn_platform.published.atomic_files import remove_stale
from churn_platform.published.format import (
    FEATURES_FILE,
    FeaturesManifest,
    features_dir,
    read_features_manifest,
)
from churn_platform.published.lookup_copy import is_lookup_copy


def erase_from_lookups(root: Path, customer_id: str) -> list[str]:
    """The months of a portfolio's published folder that were rewritten.

    A reader that has the old file open goes on reading it until it follows the folder's link to the
    new one.
    """
    rewritten = []
    for folder in sorted((root / "features").glob("[0-9]*")):
        remove_stale(folder)  # a kill between the new folder and the removal of the old one
        if is_in_lookup(folder / FEATURES_FILE, customer_id):
            manifest = read_features_manifest(folder)
            _publish_others(root, manifest, customer_id)
            rewritten.append(folder.name)

    return rewritten


def erase_from_copies(paths: Iterable[Path], portfolio: str, customer_id: str) -> list[Path]:
    """The service's own copies of the portfolio's look-ups, among the files, that held the customer
    and were removed.

    A worker goes on reading its copy until it has taken over the month that was published without
    the customer.
    """
    holding = []
    for path in paths:
        if is_lookup_copy(path, portfolio) and is_in_lookup(path, customer_id):
            holding.append(path)

    for path in holding:
        # A worker that maps the file reads it to its end; the bytes go when it closes the file.
        path.unlink()

    return holding


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
    with reading_lookup(path) as customers:
        for key, packed in customers.cursor():
            found = bytes(key).decode()
            if found != customer_id:
                yield found, bytes(packed)
