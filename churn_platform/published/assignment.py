"""Who is in which arm of an experiment: one rule for the service, for lists and for analysis.

A keyed hash of the customer's id is a place in [0, 1). The challenger's arm is what lies below its
weight, the control's arm what lies within its own weight of 1. So a weight that grows keeps every
customer that the arm had, and only customers of the control can change sides, once the arms meet.
Nothing is stored: every worker, host and later analysis finds the same arm.
"""

import hashlib
from collections.abc import Callable, Iterable

import numpy as np

from churn_platform.published.experiment import CONTROL, TREATED, LiveExperiment

# Far more places than customers, so hardly two share one.
PLACES = 2**64


def placing(salt: str) -> Callable[[str], float]:
    """The place of a customer, by id, in experiments of this salt."""
    # Hashed once more, since a key of BLAKE2 has at most 64 bytes.
    key = hashlib.sha256(salt.encode()).digest()

    def place(customer_id: str) -> float:
        digest = hashlib.blake2b(customer_id.encode(), key=key, digest_size=8).digest()
        return int.from_bytes(digest, "big") / PLACES

    return place


def places(customer_ids: Iterable[str], salt: str) -> np.ndarray:
    """The places of many customers, (customers,) float64."""
    return np.fromiter(map(placing(salt), customer_ids), dtype=np.float64)


def arm_at(place: float, *, challenger_weight: float, control_weight: float) -> str | None:
    """The arm of a place; None for a customer in none."""
    if place < challenger_weight:
        return TREATED
    return CONTROL if place >= 1.0 - control_weight else None


def assigned_arm(experiment: LiveExperiment, customer_id: str) -> str | None:
    """The arm of a customer; None for a customer in none."""
    return arm_at(
        placing(experiment.salt)(customer_id),
        challenger_weight=experiment.challenger.weight,
        control_weight=experiment.control.weight,
    )
