"""The one rule for tiers: a probability belongs to the first tier whose lower bound it reaches.

Tiers come highest first, so of tiers that share a bound the higher one counts. The monthly scores
use the form for many customers, the service and `churn explain` the form for one. A test holds both
forms to one rule.
"""

from collections.abc import Sequence

import numpy as np


def tier_places(probability: np.ndarray, bounds: Sequence[float]) -> np.ndarray:
    """Place of each probability's tier, (rows,) integers; ValueError if no tier holds one."""
    is_reached = probability[:, None] >= np.asarray(bounds, dtype=np.float64)
    is_held = is_reached.any(axis=1)
    if not is_held.all():
        raise ValueError(_no_tier(probability[~is_held][0]))
    return is_reached.argmax(axis=1)


def tier_place(probability: float, bounds: Sequence[float]) -> int:
    """The same for one customer: numpy would cost more than the whole rule."""
    for place, bound in enumerate(bounds):
        if probability >= bound:
            return place
    raise ValueError(_no_tier(probability))


def _no_tier(probability: float) -> str:
    return f"no tier holds {probability}; the lowest must begin at 0"
