"""Reasons as sentences from the catalogue, for the features that raise a customer's risk most."""

from collections.abc import Sequence

import numpy as np

from churn_platform.portfolios.encoding import decode
from churn_platform.portfolios.spec import Feature

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


def sentence(number: float, feature: Feature) -> str:
    """The catalogue's sentence for one encoded value, e.g. 'Calls changed by -62% against the last three months'."""
    value = decode(number, feature)
    if isinstance(value, bool):
        value = "yes" if value else "no"
    if isinstance(value, float) and "{value}" in feature.reason:
        value = f"{value:,.1f}".removesuffix(".0")
    return feature.reason.format(value=value)
