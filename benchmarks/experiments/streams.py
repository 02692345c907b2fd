"""Streams that are looked at 100 times: false alarms of an outcome's test and of the split's."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, norm

from churn_platform.experiments.sample_ratio import (
    CONCENTRATION,
    MISMATCH_P_VALUE,
    log_bayes_factor,
)
from churn_platform.published.confidence_sequence import (
    multiple_of_error,
    multiple_of_error_below,
)

ALPHA = 0.05
LOOKS = 100
LEAST_ANSWERS = 50
DEVIATION = 0.5  # as the service adds it to the variance of rare outcomes
CUSTOMERS = 100_000


@dataclass(frozen=True)
class Alarms:
    """Share of streams in which a method raised an alarm at some look."""

    repeated: float
    two_sided: float
    harm: float


def outcome_alarms(*, streams: int, share: float, rest: bool, rate: float, seed: int) -> Alarms:
    """False alarms where both arms have the same rate of outcomes.

    rest: the control is everybody else, instead of a slice of the same size.
    """
    generator = np.random.default_rng(seed)
    sizes = (share, 1 - share if rest else share)
    arms = [_arm(generator, streams, size, rate) for size in sizes]
    (treated, treated_events), (control, control_events) = arms
    difference = treated_events / treated - control_events / control
    plain = _variance(treated, treated_events, 0.0) + _variance(control, control_events, 0.0)
    honest = _variance(treated, treated_events, DEVIATION)
    honest = honest + _variance(control, control_events, DEVIATION)

    fractions = (np.arange(LOOKS) + 1) / LOOKS
    two_sided = np.array([multiple_of_error(part, alpha=ALPHA) for part in fractions])
    below = np.array([multiple_of_error_below(part, alpha=ALPHA) for part in fractions])
    judged = np.minimum(treated, control) >= LEAST_ANSWERS
    z = difference / np.sqrt(np.maximum(plain, 1e-12))
    honest_z = difference / np.sqrt(honest)
    fixed = norm.isf(ALPHA / 2)
    return Alarms(
        repeated=_ever((np.abs(z) > fixed) & judged),
        two_sided=_ever((np.abs(honest_z) > two_sided) & judged),
        harm=_ever((honest_z > below) & judged),
    )


def _arm(
    generator: np.random.Generator, streams: int, share: float, rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Customers and events of an arm up to each look, (looks,) and (streams, looks)."""
    steps = np.diff(np.round(np.linspace(0, CUSTOMERS * share, LOOKS + 1))).astype(int)
    events = generator.binomial(steps, rate, (streams, LOOKS))
    return steps.cumsum(), events.cumsum(axis=1)


def _variance(customers: np.ndarray, events: np.ndarray, deviation: float) -> np.ndarray:
    around = events - events**2 / customers
    values = customers + (1 if deviation else 0)
    return (around + deviation**2) / values / customers


def split_alarms(
    *, streams: int, share: float, true_share: float, seed: int
) -> tuple[float, float]:
    """Share of streams in which chi-square, and the sequential test, found a mismatch at p < 0.001
    at some look.
    """
    generator = np.random.default_rng(seed)
    step = CUSTOMERS // LOOKS
    treated = generator.binomial(step, true_share, (streams, LOOKS)).cumsum(axis=1)
    total = step * (np.arange(LOOKS) + 1)
    planned = np.array([share, 1 - share])
    off = treated - total * share
    square = off**2 / (total * share) + off**2 / (total * (1 - share))
    # One stream after the other: the product's own function, not a vectorised copy of it.
    limit = -np.log(MISMATCH_P_VALUE)
    found = 0
    for stream in treated:
        found += any(
            log_bayes_factor(np.array([count, seen - count], dtype=float), planned, CONCENTRATION)
            > limit
            for count, seen in zip(stream, total, strict=True)
        )
    return _ever(square > chi2.isf(MISMATCH_P_VALUE, 1)), found / streams


def _ever(alarms: np.ndarray) -> float:
    return float(alarms.any(axis=1).mean())
