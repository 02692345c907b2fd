"""Drift of a month against what the champion was trained on: per feature, and of the whole table.

Seasons are part of the reference. It holds up to twelve months, and each of them is at some
distance from all together; a feature has drifted only when a month is further off than the
reference's own months do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from churn_platform.monitoring.effect_size import (
    PSI_NOTABLE,
    Bins,
    count_features,
    feature_bins,
    jensen_shannon,
    number_bins,
    psi,
)
from churn_platform.portfolios.spec import Feature
from churn_platform.training.model import log_odds

FLOOR_FACTOR = (
    1.5  # the reference's months are few, so the next of the same kind may be somewhat further off
)


@dataclass(frozen=True)
class Reference:
    """Histograms of the champion's training rows, the bins they fix, and how far single months are
    from them.
    """

    bins: tuple[Bins, ...]
    counts: tuple[np.ndarray, ...]
    floors: np.ndarray

    @property
    def limits(self) -> np.ndarray:
        """The PSI from which each feature counts as drifted."""
        return np.maximum(PSI_NOTABLE, FLOOR_FACTOR * self.floors)


@dataclass(frozen=True)
class FeatureDrift:
    """One feature of a month against the reference; `psi_limit` is the PSI from which it counts as
    drifted.
    """

    feature: str
    psi: float
    psi_limit: float
    jensen_shannon: float
    importance: float
    null_share: float
    null_share_change: float
    is_drifted: bool


@dataclass(frozen=True)
class TableDrift:
    """All features together; the shares are of features, and of the champion's importance."""

    drift_share: float
    drifted_importance: float
    drifted_features: tuple[str, ...]


def make_reference(months: Sequence[np.ndarray], catalogue: Sequence[Feature]) -> Reference:
    """The reference of encoded months, each (rows, features), in the order of the catalogue."""
    everything = np.vstack(months)
    bins = []
    for column, feature in zip(everything.T, catalogue, strict=True):
        bins.append(feature_bins(column, feature))
    return _reference(months, tuple(bins))


def make_score_reference(months: Sequence[np.ndarray]) -> Reference:
    """The reference of predicted probabilities, months of (rows,)."""
    columns = [log_odds(month).reshape(-1, 1) for month in months]
    everything = np.vstack(columns)
    return _reference(columns, (number_bins(everything[:, 0]),))


def _reference(months: Sequence[np.ndarray], bins: tuple[Bins, ...]) -> Reference:
    by_month = [count_features(month, bins) for month in months]
    counts = []
    limits = []
    for own_by_month in zip(*by_month, strict=True):
        everything = np.sum(own_by_month, axis=0)
        counts.append(everything)
        # The month of the training set that is furthest from all of them together.
        limits.append(max(psi(everything, own) for own in own_by_month))

    return Reference(bins, tuple(counts), np.array(limits))


def feature_drift(
    reference: Reference,
    current: np.ndarray,
    catalogue: Sequence[Feature],
    importances: Mapping[str, float],
) -> list[FeatureDrift]:
    """Each feature of the current rows (rows, features) against the reference, in the order of the
    catalogue.

    Importances are made to sum to 1; a feature that they do not name weighs nothing.
    """
    total = sum(importances.get(feature.name, 0.0) for feature in catalogue) or 1.0
    rows = []
    for feature, before, after, limit in zip(
        catalogue,
        reference.counts,
        count_features(current, reference.bins),
        reference.limits,
        strict=True,
    ):
        distance = psi(before, after)
        nulls_before = before[-1] / max(before.sum(), 1)
        nulls = after[-1] / max(after.sum(), 1)
        drift = FeatureDrift(
            feature=feature.name,
            psi=distance,
            psi_limit=float(limit),
            jensen_shannon=jensen_shannon(before, after),
            importance=importances.get(feature.name, 0.0) / total,
            null_share=float(nulls),
            null_share_change=float(nulls - nulls_before),
            is_drifted=bool(distance > limit),
        )
        rows.append(drift)

    return rows


# The first months of a young lake lack history, so features over six months differ there. Their
# limits are wide as long as a champion was trained on those months.
def table_drift(rows: Sequence[FeatureDrift]) -> TableDrift:
    """What the features say together; drifted features come most important first."""
    drifted = [row for row in rows if row.is_drifted]
    # By importance: a drift that the model hardly looks at matters little.
    drifted.sort(key=lambda row: (-row.importance, row.feature))

    names = []
    importance = 0.0
    for row in drifted:
        names.append(row.feature)
        importance += row.importance

    return TableDrift(
        drift_share=len(drifted) / max(len(rows), 1),
        drifted_importance=float(importance),
        drifted_features=tuple(names),
    )


def prediction_drift(reference: Reference, probability: np.ndarray) -> tuple[float, float]:
    """PSI of the scores of (rows,) against the reference, and the PSI from which they count as
    drifted.
    """
    # In log-odds: probabilities of churn crowd near zero, where bins would hide a shift.
    (counts,) = count_features(log_odds(probability).reshape(-1, 1), reference.bins)
    return psi(reference.counts[0], counts), float(reference.limits[0])
