"""A run of customers in one month: what every event generator receives, and the draws that they
share.
"""

from dataclasses import dataclass

import numpy as np

from churn_platform.simulator.coefficients import DAY_PROFILE
from churn_platform.simulator.population import Population

DAY_S = 86_400
Columns = dict[str, np.ndarray]

# Inverse of the day profile: 65,536 equally likely draws, each a second of the day.
_SECOND_OF_DAY = np.interp(
    (np.arange(65_536) + 0.5) / 65_536,
    np.concatenate([[0.0], np.cumsum(DAY_PROFILE) / DAY_PROFILE.sum()]),
    np.arange(25) * 3600,
).astype(np.int64)


@dataclass(frozen=True)
class Chunk:
    """Customers and the part of the month in which each is active: whole days from `first_day`,
    `days` of them.
    """

    people: Population
    month_day: int
    month_days: int
    first_day: np.ndarray
    days: np.ndarray

    @property
    def share_of_month(self) -> np.ndarray:
        """Active share of the month, 0 to 1."""
        return self.days / self.month_days

    @property
    def month_start_s(self) -> int:
        """First second of the month since 1970, UTC."""
        return self.month_day * DAY_S

    @property
    def end_s(self) -> np.ndarray:
        """First second after each customer's active time."""
        return (self.month_day + self.first_day + self.days).astype(np.int64) * DAY_S


def draw_owners(rng: np.random.Generator, rate: np.ndarray) -> np.ndarray:
    """Row number of each event's customer, in order; the events of customer i are Poisson with mean
    rate[i].
    """
    return np.repeat(np.arange(len(rate), dtype=np.int32), rng.poisson(rate))


def draw_times_s(rng: np.random.Generator, chunk: Chunk, owners: np.ndarray) -> np.ndarray:
    """Seconds since 1970 of events of `owners`: days even over the active time, hours by the day
    profile.
    """
    days = chunk.days[owners]
    share = rng.random(len(owners), dtype=np.float32)
    day = (share * days).astype(np.int64)
    # float32 can round a draw up to 1, which would be the day after.
    day = np.minimum(day, days - 1)
    day += chunk.first_day[owners]
    # A table look-up: an inverse of the day profile for each record would dominate the simulation.
    drawn = rng.integers(0, 65_536, len(owners), dtype=np.uint16)
    second = _SECOND_OF_DAY[drawn]
    return chunk.month_start_s + day * DAY_S + second


def dissatisfaction(people: Population) -> np.ndarray:
    """Minus satisfaction, bounded so that no rate explodes."""
    return np.clip(-people.satisfaction, -2, 4)


def expit(logit: np.ndarray) -> np.ndarray:
    """The logistic function."""
    return 1 / (1 + np.exp(-logit))


def draw_columns(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """One code per row of `weights` (rows x levels), in proportion to the weights of the row."""
    cumulated = np.cumsum(weights, axis=1)
    point = rng.random(len(weights)) * cumulated[:, -1]
    return (point[:, None] >= cumulated[:, :-1]).sum(axis=1).astype(np.int8)
