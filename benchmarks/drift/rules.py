"""When to train again: this platform's decision, common rules, and an oracle that knows.

A rule is asked at every step, with the step at which the champion was trained, and answers what
asks for a training
now: nothing, or an alarm; the platform's decision also knows follow-ups and refreshes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp, wasserstein_distance

from benchmarks.drift.operator import Operator
from benchmarks.drift.world import catalogue
from churn_platform.monitoring.decision import (
    ALARM,
    POLICY,
    Cause,
    Evidence,
    RetrainingPolicy,
    Training,
    decide,
)
from churn_platform.monitoring.drift import feature_drift
from churn_platform.portfolios.spec import Feature

Rule = Callable[[Operator, int, int], Cause | None]
KS_ALPHA, LARGE_PSI = 0.05, 0.2
DISTANCE_THRESHOLD, DATASET_SHARE, FEW_VALUES = 0.1, 0.5, 5  # Evidently's defaults above 1,000 rows


@dataclass
class Platform:
    """The platform's own decision, with the series that it has gathered so far."""

    policy: RetrainingPolicy = POLICY
    series: list[Evidence] = field(default_factory=list)
    trainings: list[Training] = field(default_factory=list)

    def __call__(self, operator: Operator, champion: int, step: int) -> Cause | None:
        """Add this month's evidence and decide."""
        month = operator.months[step].month
        broken = {operator.months[each].month for each in operator.broken if each <= step}
        if not self.trainings:
            self.trainings.append(Training(operator.months[champion].month, is_promoted=True))
        self.series.append(operator.evidence(champion, step))
        cause = decide(
            self.series, month, trainings=self.trainings, broken_months=broken, policy=self.policy
        ).cause
        if cause:
            self.trainings.append(Training(month, is_promoted=operator.is_promoted(step, champion)))
        return cause


def any_ks(operator: Operator, champion: int, step: int) -> Cause | None:
    """Any number whose Kolmogorov-Smirnov test against the training rows has p < 0.05."""
    columns = [
        each
        for each in _known_columns(operator, champion, step)
        if each[0].type in ("number", "integer")
    ]
    return _alarm_if(any(ks_2samp(*pair, method="asymp").pvalue < KS_ALPHA for _, *pair in columns))


def evidently_default(operator: Operator, champion: int, step: int) -> Cause | None:
    """Evidently 0.7.23's DataDriftPreset as it comes: half of the columns beyond their default
    distance.
    """
    drifted = [is_column_drifted(*columns) for columns in _known_columns(operator, champion, step)]
    return _alarm_if(float(np.mean(drifted)) >= DATASET_SHARE)


def is_column_drifted(feature: Feature, before: np.ndarray, after: np.ndarray) -> bool:
    """Wasserstein distance in reference standard deviations; Jensen-Shannon distance for few values
    and categories.
    """
    is_number = feature.type in ("number", "integer")
    values = np.unique(np.concatenate([before, after]))
    if is_number and len(values) > FEW_VALUES:
        distance = wasserstein_distance(before, after) / max(float(before.std()), 0.001)
    else:
        shares = [
            np.array([(sample == value).mean() for value in values]) for sample in (before, after)
        ]
        distance = jensenshannon(*shares)
    return bool(distance >= DISTANCE_THRESHOLD)


def any_large_psi(operator: Operator, champion: int, step: int) -> Cause | None:
    """Any feature with a PSI above 0.2."""
    reference = operator.model(champion).reference
    drifted = feature_drift(reference, operator.current(step), catalogue(), {})
    return _alarm_if(any(row.psi > LARGE_PSI for row in drifted))


def every_month(operator: Operator, champion: int, step: int) -> Cause | None:
    """Always."""
    return ALARM


def never(operator: Operator, champion: int, step: int) -> Cause | None:
    """Never."""
    return None


def oracle(changed: int | None) -> Rule:
    """Trains at once when the first outcomes of a changed world are known, and each month from then
    on.
    """
    return lambda operator, champion, step: _alarm_if(changed is not None and step >= changed)


def _alarm_if(is_required: bool) -> Cause | None:
    return ALARM if is_required else None


def _known_columns(
    operator: Operator, champion: int, step: int
) -> list[tuple[Feature, np.ndarray, np.ndarray]]:
    """Each feature with its known values in the champion's training rows and in the month; missing
    ones are dropped.
    """
    before, after = operator.model(champion).tested, operator.current(step)
    columns = zip(catalogue(), before.T, after.T, strict=True)
    return [
        (feature, one[~np.isnan(one)].astype(float), two[~np.isnan(two)].astype(float))
        for feature, one, two in columns
    ]
