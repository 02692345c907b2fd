"""Reasons as sentences from the catalogue, for the features that raise a customer's risk most."""

from collections.abc import Sequence

import numpy as np

from churn_platform.portfolios.spec import Feature
from churn_platform.published.sentences import sentence

TOP = 3


def top_reasons(
    features: np.ndarray, contributions: np.ndarray, catalogue: Sequence[Feature], *, top: int = TOP
) -> list[list[str]]:
    """Up to `top` sentences per customer, strongest first, for (rows, features) values and contributions.

    Only features that raise the risk and whose value is known give a reason.
    """
    raising = np.where(np.isnan(features), 0.0, contributions)
    strongest = np.argsort(-raising, axis=1, kind="stable")[:, :top]
    return [
        [sentence(row[place], catalogue[place]) for place in places if up[place] > 0]
        for row, up, places in zip(features, raising, strongest, strict=True)
    ]
