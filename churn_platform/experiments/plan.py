"""What an experiment needs, before anything starts: customers, months, and the power they give."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from scipy.stats import norm

from churn_platform.errors import ExperimentError
from churn_platform.experiments.group_sequential import (
    Look,
    drift_needed,
    even_looks,
    power_of,
)
from churn_platform.experiments.spec import ExperimentSpec


@dataclass(frozen=True)
class Spread:
    """How far an estimate of so many customers is off by chance: its variance if both versions
    score the same customers, and if each scores half of them.
    """

    customers: int
    paired: float
    split: float

    def of(self, customers: float) -> float:
        """The paired variance for another number of customers of the same kind."""
        return self.paired * self.customers / customers


@dataclass(frozen=True)
class Plan:
    """What it takes to find the smallest effect.

    months: of outcomes; None if `most_months` are too few. power: after `months`, or else after
    `most_months`. one_look: customers that a single look at the end would need. split: customers
    that a random split would need. detectable: effect that `most_months` find with the power asked.
    """

    customers_per_month: int
    months: int | None
    customers: int
    power: float
    one_look: int
    split: int
    detectable: float
    looks: Sequence[Look]

    def as_rows(self, spec: ExperimentSpec) -> list[tuple[str, str]]:
        """The plan to read: what, and how much."""
        length = "more than allowed" if self.months is None else f"{self.months}"
        bounds = []
        for look in self.looks:
            bounds.append(f"{look.bound:.3f}")
        return [
            ("primary metric", spec.primary_metric),
            ("smallest effect worth having", f"{spec.smallest_effect:g}"),
            ("customers with an outcome a month", f"{self.customers_per_month:,}"),
            (f"months of outcomes (at most {spec.most_months})", length),
            ("customers, added up over months", f"{self.customers:,}"),
            ("power", f"{self.power:.0%}, where {spec.power:.0%} is asked"),
            ("customers for one look at the end", f"{self.one_look:,}"),
            ("customers for a random split", f"{self.split:,}"),
            (f"effect that {spec.most_months} months find", f"{self.detectable:.4g}"),
            ("bounds of |z|, month by month", ", ".join(bounds)),
        ]


def plan_experiment(spec: ExperimentSpec, spread: Spread, *, customers_per_month: int) -> Plan:
    """The plan for a spec, from the spread that both versions showed on past customers.

    ExperimentError if the two versions do not differ, so that there is nothing to find.
    """
    # `not >`, so that NaN is caught as well.
    if not spread.paired > 0:
        raise ExperimentError(
            f"experiment {spec.name}: both versions give every customer the same score; "
            "name another challenger"
        )

    a_month = spread.of(customers_per_month)
    months = _months_needed(spec, a_month)
    # If all that is allowed is not enough, the plan says what that much would give.
    length = months or spec.most_months
    looks = even_looks(length, alpha=spec.alpha)
    # The textbook's sample size of one look: ((z(alpha / 2) + z(power)) / effect)^2 * variance.
    z_alpha = float(norm.isf(spec.alpha / 2))
    z_power = float(norm.ppf(spec.power))
    errors = (z_alpha + z_power) / spec.smallest_effect
    one_look = spread.of(1) * errors**2
    split = one_look * spread.split / spread.paired
    return Plan(
        customers_per_month=customers_per_month,
        months=months,
        customers=length * customers_per_month,
        power=_power(spec, length, a_month),
        one_look=ceil(one_look),
        split=ceil(split),
        detectable=_detectable(spec, a_month),
        looks=looks,
    )


def planned_information(spec: ExperimentSpec) -> float:
    """The information (1 / variance) at which the last look is planned: what one look would need,
    and a little more for the looks before it.
    """
    drift = drift_needed(spec.most_months, power=spec.power, alpha=spec.alpha)
    return (drift / spec.smallest_effect) ** 2


def _months_needed(spec: ExperimentSpec, a_month: float) -> int | None:
    # From the shortest on: power rises with each month, so the first that is enough is the least.
    for months in range(1, spec.most_months + 1):
        if _power(spec, months, a_month) >= spec.power:
            return months
    return None


def _power(spec: ExperimentSpec, months: int, a_month: float) -> float:
    drift = spec.smallest_effect * sqrt(months / a_month)
    return power_of(even_looks(months, alpha=spec.alpha), drift)


def _detectable(spec: ExperimentSpec, a_month: float) -> float:
    drift = drift_needed(spec.most_months, power=spec.power, alpha=spec.alpha)
    return drift * sqrt(a_month / spec.most_months)
