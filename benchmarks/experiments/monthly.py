"""Outcomes that mature by month: false alarms and power of a look in each month."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from churn_platform.experiments.decision import MonthResult, add_up
from churn_platform.experiments.group_sequential import even_looks
from churn_platform.experiments.paired import PairedScores, auc_difference
from churn_platform.published.confidence_sequence import multiple_of_error

ALPHA = 0.05
CUSTOMERS_A_MONTH = 40_000


@dataclass(frozen=True)
class Rates:
    """Share of experiments that ended in a difference, by method."""

    fixed: float
    repeated: float
    group_sequential: float
    confidence_sequence: float


def split_rates(
    *, experiments: int, months: int, share: float, rate: float, power: float, seed: int
) -> Rates:
    """A split of two equal arms by churn, where one look at the end has this power; 0 for no
    difference at all.
    """
    generator = np.random.default_rng(seed)
    customers = round(CUSTOMERS_A_MONTH * share)
    error = np.sqrt(2 * rate * (1 - rate) / (customers * months))
    effect = (norm.isf(ALPHA / 2) + norm.ppf(power)) * error if power else 0.0
    treated = generator.binomial(customers, rate - effect, (experiments, months)).cumsum(axis=1)
    control = generator.binomial(customers, rate, (experiments, months)).cumsum(axis=1)
    seen = customers * (np.arange(months) + 1)
    pooled = (treated + control) / seen / 2
    variance = 2 * pooled * (1 - pooled) / seen
    return _rates((control - treated) / seen / np.sqrt(np.maximum(variance, 1e-12)))


def _rates(z: np.ndarray) -> Rates:
    """By the values of z at each look, (experiments, months)."""
    months = z.shape[1]
    bounds = np.array([look.bound for look in even_looks(months, alpha=ALPHA)])
    fractions = (np.arange(months) + 1) / months
    always = np.array([multiple_of_error(part, alpha=ALPHA) for part in fractions])
    fixed = norm.isf(ALPHA / 2)
    return Rates(
        fixed=float((np.abs(z[:, -1]) > fixed).mean()),
        repeated=float((np.abs(z) > fixed).any(axis=1).mean()),
        group_sequential=float((np.abs(z) > bounds).any(axis=1).mean()),
        confidence_sequence=float((np.abs(z) > always).any(axis=1).mean()),
    )


def shadow_rates(
    *, experiments: int, months: Sequence[int], customers: int, rate: float, seed: int
) -> list[Rates]:
    """Paired AUCs of two scores that are equally good, on customers who stay for all months.

    A score is the customer's risk and the version's own error, which lasts: so months are not quite
    independent, as in an operator's base. One result for each number of months.
    """
    generator = np.random.default_rng(seed)
    z = np.empty((experiments, max(months)))
    for number in range(experiments):
        z[number] = _experiment(generator, z.shape[1], customers, rate)
    return [_rates(z[:, :count]) for count in months]


def _experiment(
    generator: np.random.Generator, months: int, customers: int, rate: float
) -> np.ndarray:
    """z after each month of one experiment, (months,)."""
    risk = generator.normal(0, 1, customers)
    scores = risk + generator.normal(0, 0.7, (2, customers))
    seen: list[MonthResult] = []
    z = np.empty(months)
    for month in range(months):
        churned = (generator.random(customers) < rate * np.exp(risk - 0.5)).astype(int)
        found = auc_difference(PairedScores(churned, *scores, 0.0, 0.0))
        seen.append(MonthResult(found.value, found.variance, customers))
        difference, variance = add_up(seen)
        z[month] = difference / np.sqrt(variance)
        # Who left is replaced by somebody new.
        left = np.flatnonzero(churned)
        risk[left] = generator.normal(0, 1, len(left))
        scores[:, left] = risk[left] + generator.normal(0, 0.7, (2, len(left)))

    return z
