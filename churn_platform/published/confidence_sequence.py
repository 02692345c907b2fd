"""Intervals that hold at every look at once, however often a stream is looked at: confidence
sequences. Plain floats, since the service uses them too.

The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2021,
arXiv:2103.06476, Theorem 2.2), and its one-sided form (Appendix B). At t values, with the
estimate's standard error s and u = t rho^2, the truth is with probability 1 - alpha within

    s * sqrt((u + 1) / u * (log(u + 1) - 2 log alpha))              to both sides
    s * sqrt(2 (u + 1) / u * log(1 + sqrt(u + 1) / (2 alpha)))      to one side

at all t at once. rho is tuned so that the interval is narrowest at a planned t.
"""

import math
from functools import lru_cache

import msgspec

# Each turn divides the error by at least 4, for any alpha below one half.
TURNS = 40
BET = 0.5
TINY = 1e-9


class Sums(msgspec.Struct, frozen=True):
    """Number of values of a stream, their sum, and the sum of their squares."""

    count: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    @property
    def mean(self) -> float:
        """Their mean; NaN without values."""
        return self.total / self.count if self.count else math.nan

    def variance_of_mean(self, *, deviation: float = 0.0) -> float:
        """Square of the mean's standard error, as if one value more were off it by `deviation`.

        0.5 keeps rare events among values in [0, 1] honest: fifty answers without an error do not
        have no variance, they have not shown it.
        """
        if not self.count:
            return math.inf

        # Rounding may leave a little less than nothing.
        around = max(0.0, self.squares - self.total * self.mean)
        around += deviation * deviation
        values = self.count + (1 if deviation else 0)
        return around / values / self.count


def multiple_of_error(fraction: float, *, alpha: float) -> float:
    """By how many standard errors the two-sided interval reaches to each side.

    fraction: values so far over those planned; the interval is narrowest at 1.
    """
    information = _tuned(alpha) * fraction
    bound = math.log1p(information) - 2 * math.log(alpha)
    return math.sqrt((information + 1) / information * bound)


def multiple_of_error_below(fraction: float, *, alpha: float) -> float:
    """By how many standard errors the one-sided bound lies below the estimate."""
    information = _tuned(2 * alpha) * fraction
    bound = math.log1p(math.sqrt(information + 1) / (2 * alpha))
    return math.sqrt(2 * (information + 1) / information * bound)


def difference_at_least(
    treated: Sums, control: Sums, *, planned: float, alpha: float, deviation: float = 0.0
) -> float:
    """The least that the treated mean minus the control's is; minus infinity without values.

    planned: number of values of both at which the bound is to be nearest to the estimate.
    deviation: as of `Sums.variance_of_mean`.
    """
    if not treated.count or not control.count:
        return -math.inf

    # The arms are different customers, so the variances of their means add up.
    variance = treated.variance_of_mean(deviation=deviation)
    variance += control.variance_of_mean(deviation=deviation)

    fraction = (treated.count + control.count) / planned
    multiple = multiple_of_error_below(fraction, alpha=alpha)
    error = math.sqrt(variance) * multiple

    difference = treated.mean - control.mean
    return difference - error


def share_at_least(events: float, count: float, *, alpha: float) -> float:
    """The least that a share is, given its events among `count` trials: exact, also for a handful.

    A bet of one half on each trial (Waudby-Smith & Ramdas 2024, "Estimating means of bounded random
    variables by betting"): if the share were p at most, its capital
    (0.5 / p) ** events * (0.5 / (1 - p)) ** (count - events) would ever reach 1 / alpha in no more
    than alpha of streams. The bound is the largest p below one half that is so refuted.
    """

    def capital(share: float) -> float:
        """Its logarithm."""
        gains = events * math.log(BET / share)
        return gains + (count - events) * math.log((1 - BET) / (1 - share))

    # Not from 0, where the capital has no logarithm.
    low = TINY
    high = BET
    if not events or capital(low) < -math.log(alpha):
        return 0.0

    # By halves, since the capital only falls while the share grows up to one half.
    for _ in range(TURNS):
        middle = (low + high) / 2
        if capital(middle) >= -math.log(alpha):
            low = middle
        else:
            high = middle

    return low


# Asked at every look, always for the few alphas of the live experiments.
@lru_cache(maxsize=256)
def _tuned(alpha: float) -> float:
    """u = t rho^2 at the planned t: where the width is least, u = log(1 + u) - 2 log alpha."""
    information = -2 * math.log(alpha)
    for _ in range(TURNS):
        information = math.log1p(information) - 2 * math.log(alpha)

    return information
