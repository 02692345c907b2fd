"""Fixtures that tests of this folder share."""

import numpy as np

from churn_platform.metrics.fairness import (
    measure_fairness,
)
from churn_platform.portfolios.spec import Gates

GATES = Gates(min_auc=0.7, min_recall=0.6, max_fairness_gap=0.3, min_group_outcomes=4)


def group_of(hits: int, misses: int, alarms: int, rest: int) -> tuple[list[int], list[float]]:
    """Outcomes and probabilities of a group by its confusion counts at the threshold 0.5."""
    churned = [1] * (hits + misses) + [0] * (alarms + rest)
    return churned, [0.75] * hits + [0.25] * misses + [0.75] * alarms + [0.25] * rest


def measured(counts: dict[str, tuple[int, int, int, int]], *, gates: Gates = GATES, seed: int = 1):
    """Fairness over one attribute whose groups have the given confusion counts."""
    parts = {name: group_of(*count) for name, count in counts.items()}
    churned = np.array([value for part in parts.values() for value in part[0]], dtype=np.int8)
    probability = np.array([value for part in parts.values() for value in part[1]])
    names = np.array([name for name, part in parts.items() for _ in part[0]], dtype=object)
    return measure_fairness(
        {"area": names}, churned, probability, threshold=0.5, gates=gates, seed=seed
    )
