"""How far two samples of a feature are apart, as an effect size: unlike a p-value it does not grow
with the rows.

A feature falls into bins that the reference fixes once: one below its range, one between each pair
of its deciles, one above its range, one for missing values. A category or boolean has one bin per
level and one for missing values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import jensenshannon

from churn_platform.portfolios.spec import Feature

DECILES = np.arange(1, 10) / 10
PSI_NOTABLE, PSI_LARGE = 0.1, 0.25  # by convention (Siddiqi 2006)
SMOOTHING = (
    0.5  # added to every bin (Jeffreys), so that an empty one costs much but not infinitely much
)


@dataclass(frozen=True)
class Bins:
    """Ascending upper ends of the bins of one feature, each belonging to its bin; above the last
    is one bin more.
    """

    ends: np.ndarray

    def count(self, values: np.ndarray) -> np.ndarray:
        """Rows in each bin, missing values last, (bins + 2,) integers."""
        known = values[~np.isnan(values)]
        counts = np.bincount(
            np.searchsorted(self.ends, known, side="left"), minlength=len(self.ends) + 1
        )
        return np.append(counts, len(values) - len(known))


def number_bins(reference: np.ndarray) -> Bins:
    """Bins of a number: its distinct deciles and its range, as the reference has them.

    A value that many rows share ends its bin, so a mass at zero is not split. Without any known
    value, one bin.
    """
    known = reference[~np.isnan(reference)].astype(np.float64)
    if not len(known):
        return Bins(np.empty(0))

    # The lowest value itself belongs to the range; only smaller ones are below it.
    below = np.nextafter(known.min(), -np.inf)
    deciles = np.quantile(known, DECILES, method="lower")
    return Bins(np.unique([below, *deciles, known.max()]))


def feature_bins(reference: np.ndarray, feature: Feature) -> Bins:
    """Bins of an encoded feature (rows,): one per level where it has levels, else those of a
    number.
    """
    levels = {"category": len(feature.levels), "boolean": 2}.get(feature.type)
    return (
        number_bins(reference) if levels is None else Bins(np.arange(levels - 1, dtype=np.float64))
    )


def psi(reference: np.ndarray, current: np.ndarray) -> float:
    """Population stability index of two histograms over the same bins: sum of (q - p) ln(q / p), 0
    where alike.

    Shares p and q are smoothed by SMOOTHING rows a bin. PSI_NOTABLE and PSI_LARGE say how to read
    it. Without drift its mean is about (bins - 1)(1/n + 1/m), 0.002 for two samples of 10,000 rows.
    """
    p, q = _shares(reference), _shares(current)
    return float(((q - p) * np.log(q / p)).sum())


def jensen_shannon(reference: np.ndarray, current: np.ndarray) -> float:
    """Jensen-Shannon distance of two histograms over the same bins, 0 if alike to 1 where they
    share no bin.
    """
    return (
        float(jensenshannon(reference, current, base=2))
        if reference.sum() and current.sum()
        else float("nan")
    )


def count_features(features: np.ndarray, bins: Sequence[Bins]) -> list[np.ndarray]:
    """Histogram of each column of (rows, features)."""
    return [own.count(column) for own, column in zip(bins, features.T, strict=True)]


def _shares(counts: np.ndarray) -> np.ndarray:
    smoothed = counts + SMOOTHING
    return smoothed / smoothed.sum()
