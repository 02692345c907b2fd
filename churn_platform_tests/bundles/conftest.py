"""Fixtures that tests of this folder share."""

from pathlib import Path

import lmdb

from churn_platform.bundles.features_bundle import publish_features
from churn_platform.published.format import (
    FEATURES_FILE,
    StoredCustomer,
    features_dir,
    unpack_customer,
)
from churn_platform_tests.support.tiny import TINY


def publish(root: Path, customers) -> int:
    """Publish January's customers."""
    return publish_features(
        root,
        portfolio="tiny",
        month="2025-01",
        features=TINY.feature_names,
        scored_by=3,
        customers=customers,
    )


def published(root: Path, feature_count: int) -> dict[str, StoredCustomer]:
    """Every customer of the published file."""
    path = str(features_dir(root, "2025-01") / FEATURES_FILE)
    with (
        lmdb.open(path, subdir=False, readonly=True, lock=False) as environment,
        environment.begin() as transaction,
    ):
        return {
            key.decode(): unpack_customer(value, feature_count)
            for key, value in transaction.cursor()
        }
