"""Bounds for a few planned looks, one a month: nearly the power of one look, and no false alarms.

Outcomes that mature by month allow few looks. A confidence sequence, made for any number of them,
has half of the power there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import pi, sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import norm

NODES = 160  # of the quadrature; bounds of twelve looks then hold to four digits
WIDEST = 12.0  # standard errors; no probability is left beyond
# The bounds take months for independent. Months of the same customers are not quite: who stays is
# seen again, so looks resemble each other a little less, and twelve of them gave 5.2 % false alarms
# instead of 5 (benchmarks/experiments). This share of the error is not spent, to make up for it.
KEPT_BACK = 0.05


@dataclass(frozen=True)
class Look:
    """A planned look: the share of the planned information, the bound of |z|, and the error that
    has been spent up to it.
    """

    information: float
    bound: float
    alpha_spent: float


def spent(information: float, *, alpha: float) -> float:
    """The two-sided error that may be spent by a share of the information, `alpha` at 1.

    Like O'Brien and Fleming's bounds, by Lan & DeMets (Biometrika 1983), half of it on each side:

        2 * (2 - 2 Phi(z(alpha / 4) / sqrt(information)))
    """
    if information <= 0:
        return 0.0
    reach = norm.isf(alpha / 4) / sqrt(min(information, 1.0))
    return float(4 * norm.sf(reach))


def plan_looks(information: Sequence[float], *, alpha: float, ends: bool = False) -> list[Look]:
    """The bounds of |z| at looks with rising shares of the planned information.

    ends: whether the last of them is the last of all, which spends what is left of the error even
    if it has less information than was planned. Of `alpha` the share KEPT_BACK is never spent; what
    is told as spent is of the rest, so it ends at `alpha`.

    By the recursion of Armitage, McPherson & Rowe (JRSS A 1969): the density of the sum of outcomes
    that has crossed no bound yet is carried from look to look.
    """
    looks: list[Look] = []
    carried = _Density(np.zeros(1), np.ones(1))
    before = spent_before = 0.0
    own = (1 - KEPT_BACK) * alpha
    for number, share in enumerate(information, start=1):
        is_end = ends and number == len(information)
        spent_now = own if is_end else spent(share, alpha=own)
        error = spent_now - spent_before
        step = share - before
        bound = carried.bound_of(error, step, share)
        look = Look(share, bound, alpha * (spent_now / own))
        looks.append(look)

        # The sum is not scaled: its increments are independent, those of z are not.
        edge = bound * sqrt(share)
        carried = carried.moved(step, edge)
        before = share
        spent_before = spent_now

    return looks


def even_looks(count: int, *, alpha: float) -> list[Look]:
    """The bounds of so many looks at equal steps of the information."""
    shares = [number / count for number in range(1, count + 1)]
    return plan_looks(shares, alpha=alpha)


@cache
def drift_needed(looks: int, *, power: float, alpha: float) -> float:
    """The mean of z at the last of so many equal looks that gives the power: 2.80 for one look, 5 %
    and 80 %.
    """
    planned = even_looks(looks, alpha=alpha)

    def short_of(drift: float) -> float:
        return power_of(planned, drift) - power

    return float(brentq(short_of, 0.0, 20.0, xtol=1e-6))


def power_of(looks: Sequence[Look], drift: float) -> float:
    """The chance to cross a bound at some look, where z at the last look has the mean `drift`."""
    carried = _Density(np.zeros(1), np.ones(1))
    before = 0.0
    for look in looks:
        share = look.information
        step = share - before
        edge = look.bound * sqrt(share)
        carried = carried.moved(step, edge, drift=drift)
        before = share

    # Whoever crossed no bound at any look was carried to the end.
    return 1 - carried.total


@dataclass(frozen=True)
class _Density:
    """The sum's distribution among the experiments that go on: places and their weights."""

    places: np.ndarray
    weights: np.ndarray

    @property
    def total(self) -> float:
        """The share of experiments that go on."""
        return float(self.weights.sum())

    def bound_of(self, error: float, step: float, information: float) -> float:
        """The bound of |z| that a share of `error` of all experiments crosses at the next look."""
        spread = sqrt(step)

        def excess(bound: float) -> float:
            edge = bound * sqrt(information)
            to_upper = (self.places - edge) / spread
            to_lower = (-edge - self.places) / spread
            # ndtr, not norm.cdf, which would check its arguments at each step of the search.
            above = ndtr(to_upper)
            below = ndtr(to_lower)
            crossed = above + below
            share = self.weights @ crossed
            return float(share) - error

        # Hardly any error is spent at a very early look: no bound is crossed there.
        if excess(WIDEST) >= 0:
            return WIDEST

        found = brentq(excess, 0.0, WIDEST)
        return float(found)

    def moved(self, step: float, edge: float, *, drift: float = 0.0) -> "_Density":
        """The distribution after the next look, without the experiments beyond the edge."""
        unit, unit_weights = _quadrature()
        places = unit * edge
        expected = self.places + drift * step
        # Rows are the places after the look, columns those before it.
        distances = places[:, None] - expected[None, :]
        exponent = -(distances**2) / (2 * step)
        height = sqrt(2 * pi * step)
        density = np.exp(exponent) / height
        # Weights of the quadrature are for [-1, 1]; here it is as wide as the edges.
        quadrature = unit_weights * edge
        weights = (density @ self.weights) * quadrature
        return _Density(places, weights)


@cache
def _quadrature() -> tuple[np.ndarray, np.ndarray]:
    """Gauss and Legendre's places and weights on [-1, 1]."""
    return np.polynomial.legendre.leggauss(NODES)
