"""When to train again: this platform's decision, common rules, and an oracle that knows.

A rule is asked at every step, with the step at which the champion was trained, and answers whether to train now.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp, wasserstein_distance

from benchmarks.drift.operator import Operator
from churn_platform.monitoring.decision import POLICY, Evidence, Policy, Training, decide
from churn_platform.monitoring.drift import feature_drift
from churn_platform.portfolios.spec import Feature

Rule = Callable[[Operator, int, int], bool]
KS_ALPHA, LARGE_PSI = 0.05, 0.2
DISTANCE_THRESHOLD, DATASET_SHARE, FEW_VALUES = 0.1, 0.5, 5  # Evidently's defaults above 1,000 rows


@dataclass
class Platform:
    """The platform's own decision, with the series that it has gathered so far."""

    policy: Policy = POLICY
    series: list[Evidence] = field(default_factory=list)
    trainings: list[Training] = field(default_factory=list)

    def __call__(self, operator: Operator, champion: int, step: int) -> bool:
        """Add this month's evidence and decide."""
        month = operator.months[step].month
        broken = {operator.months[each].month for each in operator.broken if each <= step}
        self.series.append(operator.evidence(champion, step))
        is_required = decide(
            self.series, month, trainings=self.trainings, broken_months=broken, policy=self.policy
        ).is_required
        if is_required:
            self.trainings.append(Training(month, is_promoted=True))
        return is_required


def any_ks(operator: Operator, champion: int, step: int) -> bool:
    """Any number whose Kolmogorov-Smirnov test against the training rows has p < 0.05."""
    return any(
        ks_2samp(before, after, method="asymp").pvalue < KS_ALPHA
        for feature, before, after in _known_columns(operator, champion, step)
        if feature.type in ("number", "integer")
    )


def evidently_default(operator: Operator, champion: int, step: int) -> bool:
    """Evidently 0.7.23's DataDriftPreset as it comes: half of the columns beyond their default distance."""
    drifted = [is_column_drifted(*columns) for columns in _known_columns(operator, champion, step)]
    return float(np.mean(drifted)) >= DATASET_SHARE


def is_column_drifted(feature: Feature, before: np.ndarray, after: np.ndarray) -> bool:
    """Wasserstein distance in reference standard deviations; Jensen-Shannon distance for few values and categories."""
    is_number = feature.type in ("number", "integer")
    values = np.unique(np.concatenate([before, after]))
    if is_number and len(values) > FEW_VALUES:
        distance = wasserstein_distance(before, after) / max(float(before.std()), 0.001)
    else:
        shares = [np.array([(sample == value).mean() for value in values]) for sample in (before, after)]
        distance = jensenshannon(*shares)
    return bool(distance >= DISTANCE_THRESHOLD)


def any_large_psi(operator: Operator, champion: int, step: int) -> bool:
    """Any feature with a PSI above 0.2."""
    reference = operator.model(champion).reference
    return any(row.psi > LARGE_PSI for row in feature_drift(reference, operator.current(step), operator.catalogue, {}))


def every_month(operator: Operator, champion: int, step: int) -> bool:
    """Always."""
    return True


def never(operator: Operator, champion: int, step: int) -> bool:
    """Never."""
    return False


def oracle(changed: int | None) -> Rule:
    """Trains at once when the first outcomes of a changed world are known, and each month from then on."""
    return lambda operator, champion, step: changed is not None and step >= changed


def _known_columns(operator: Operator, champion: int, step: int) -> list[tuple[Feature, np.ndarray, np.ndarray]]:
    """Each feature with its known values in the champion's training rows and in the month; missing ones are dropped."""
    before, after = operator.model(champion).sample, operator.current(step)
    columns = zip(operator.catalogue, before.T, after.T, strict=True)
    return [
        (feature, one[~np.isnan(one)].astype(float), two[~np.isnan(two)].astype(float)) for feature, one, two in columns
    ]
