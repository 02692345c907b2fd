"""Finds a month of features whose names do not belong to the values below them.

The manifest names what the file holds by place alone. The scores beside the values give a wrong
name away: the version that made them must make them again.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from churn_platform.published.format import StoredCustomer
from serving.errors import BundleError
from serving.loading.bundles import Features, Model

CUSTOMERS_CHECKED = 25
TOLERANCE = 1e-4


def check_month(features: Features, models: Mapping[int, Model], scorer: Model | None) -> None:
    """BundleError if stored customers cannot be read, or the names of their features are not
    those of their values.

    scorer: the version that made the stored scores, where its bundle is there. Names in the
    catalogue's order are believed unless most scores differ: features may have been made again
    since. In another order all must agree.
    """
    customers = []
    for one in features.first(CUSTOMERS_CHECKED):
        if not np.isnan(one.features).all():
            customers.append(one)

    if scores := [
        one.churn_probability for one in customers if not 0 <= one.churn_probability <= 1
    ]:
        raise BundleError(f"{features.folder}: a stored score is {scores[0]}, not from 0 to 1")

    names = features.manifest.features
    is_in_order = all(_in_order(names, model.catalogue.names) for model in models.values())
    if scorer is None:
        if not is_in_order:
            raise BundleError(
                f"{features.folder}: its features are in another "
                "order than those of the live models, and version "
                f"{features.manifest.scored_by} is not there to check their names; "
                "publish the month again"
            )
        return

    absent = sorted(set(scorer.catalogue.names) - set(names))
    if absent:
        raise BundleError(
            f"{features.folder}: version {scorer.version} scored it from {absent[0]!r}, "
            "which it lacks"
        )

    wrong = _wrong_scores(customers, names, scorer)
    # In the catalogue's order a few may differ, since features can be made again after scoring.
    if wrong > (len(customers) // 2 if is_in_order else 0):
        raise BundleError(
            f"{features.folder}: version {scorer.version} gives {wrong} of {len(customers)} "
            "customers another score "
            "than is stored beside their features; publish the month again"
        )


def _in_order(names: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether the names that both have follow each other alike."""
    both = set(names).intersection(wanted)
    return [name for name in names if name in both] == [name for name in wanted if name in both]


def _wrong_scores(customers: list[StoredCustomer], names: tuple[str, ...], scorer: Model) -> int:
    if not customers:
        return 0

    places = [names.index(name) for name in scorer.catalogue.names]
    features = np.array([one.features for one in customers])
    vectors: Any = features[:, places]
    scored = np.array(scorer.churn_probabilities(vectors))
    stored = np.array([one.churn_probability for one in customers])
    is_wrong = np.abs(scored - stored) > TOLERANCE
    return int(is_wrong.sum())
