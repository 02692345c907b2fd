"""Publishes a month of online features: one memory-mapped file, customer id -> packed customer."""

from collections.abc import Iterable
from pathlib import Path

import lmdb

from churn_platform.errors import PublicationError
from churn_platform.published.atomic_files import new_folder, write_manifest
from churn_platform.published.format import FEATURES_FILE, FeaturesManifest, features_dir
from churn_platform.published.regular_files import file_sha256

MAX_KEY_BYTES = 511
TRANSACTION_ROWS = 100_000
GROWTH = 1 << 30


def publish_features(
    root: Path,
    *,
    portfolio: str,
    month: str,
    features: list[str],
    scored_by: int,
    customers: Iterable[tuple[str, bytes]],
) -> int:
    """Write the month's file from (customer id, packed customer), ordered by id in bytes; returns
    their number.
    """
    with new_folder(features_dir(root, month)) as draft:
        path = draft / FEATURES_FILE
        count = _write(path, customers)
        manifest = FeaturesManifest(
            portfolio=portfolio,
            month=month,
            customers=count,
            features=tuple(features),
            scored_by=scored_by,
            sha256={FEATURES_FILE: file_sha256(path)},
        )
        write_manifest(draft, manifest)

    return count


def _write(path: Path, customers: Iterable[tuple[str, bytes]]) -> int:
    count = 0
    with lmdb.open(
        str(path),
        subdir=False,
        map_size=GROWTH,
        lock=False,
        sync=False,
    ) as environment:
        # No sync for each transaction: the draft folder is synced once, before it is moved into
        # place.
        batch: list[tuple[bytes, bytes]] = []
        for customer_id, packed in customers:
            key = customer_id.encode()
            if not 0 < len(key) <= MAX_KEY_BYTES:
                raise PublicationError(
                    f"customer id {customer_id[:60]!r} has {len(key)} bytes; 1 to 511 are possible"
                )
            batch.append((key, packed))
            if len(batch) == TRANSACTION_ROWS:
                count += _put(environment, batch)
                batch = []

        count += _put(environment, batch)
        environment.sync(True)

    return count


def _put(environment: lmdb.Environment, batch: list[tuple[bytes, bytes]]) -> int:
    size = sum(len(key) + len(packed) for key, packed in batch)
    # LMDB must know its size beforehand. Generous, since the file only takes what is written.
    environment.set_mapsize(environment.info()["map_size"] + 4 * size)
    with environment.begin(write=True) as transaction, transaction.cursor() as cursor:
        # Appending in key order searches for no place, and finds ids that come twice.
        _, added = cursor.putmulti(batch, append=True)

    if added != len(batch):
        raise PublicationError(
            f"{len(batch) - added} customer ids came twice or out of order; nothing was published"
        )

    return added
