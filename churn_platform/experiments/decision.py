"""Ends an experiment in words: ship, stop, or keep running. Pure.

Months add up, each by its customers. The bounds are group-sequential, so a look in each month costs
no false alarm.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt

from scipy.stats import norm

from churn_platform.experiments.group_sequential import Look, plan_looks
from churn_platform.experiments.plan import planned_information
from churn_platform.experiments.spec import ExperimentSpec

SHIP, STOP, KEEP_RUNNING = "ship", "stop", "keep running"
LEAST_STEP = 1e-3  # of the planned information; a look that adds less is no look


@dataclass(frozen=True)
class MonthResult:
    """The challenger minus the control in one month: the difference, its variance, and the
    customers it rests on. distrust: why the month must not count; None: it counts.
    """

    difference: float
    variance: float
    customers: int
    distrust: str | None = None


def add_up(months: Sequence[MonthResult]) -> tuple[float, float]:
    """The difference over months and its variance."""
    # By customers, not by 1 / variance: a variance that came out small by chance would count most,
    # and with few churners that alone gives false alarms.
    customers = 0
    total = spread = 0.0
    for month in months:
        weight = month.customers
        customers += weight
        total += month.difference * weight
        spread += month.variance * weight**2

    estimate = total / customers
    variance = spread / customers**2
    return estimate, variance


@dataclass(frozen=True)
class Decision:
    """What the months so far say of the primary metric.

    low, high: the interval at this look's bound, which holds at every look. months_to_go and
    customers_to_go: at the pace so far, 0 where it ends.
    """

    decision: str
    verdict: str
    estimate: float
    low: float
    high: float
    z: float
    look: Look
    months_to_go: int = 0
    customers_to_go: int = 0


def decide(spec: ExperimentSpec, months: Sequence[MonthResult]) -> Decision | None:
    """The decision after the last of `months`; None while none of them counts.

    ship: by `criteria.ship`. stop: the challenger is worse, or the last look has shown nothing, or
    the chance to ship has fallen below `criteria.futility`. Otherwise it keeps running.
    """
    counted = [month for month in months if month.distrust is None]
    if not counted:
        return None

    estimate, variance = add_up(counted)
    # A month that does not count uses up time all the same: the experiment ends when it said.
    is_last = len(months) >= spec.most_months
    looks = _looks(spec, counted, is_last=is_last)
    look = looks[-1]
    error = sqrt(variance)
    reach = look.bound * error
    found = Decision(
        KEEP_RUNNING,
        "",
        estimate=estimate,
        low=estimate - reach,
        high=estimate + reach,
        z=estimate / error,
        look=look,
    )
    is_end = look.alpha_spent >= spec.alpha
    told = _end(spec, found, is_end=is_end) or _futile(spec, found)
    if told:
        decision, verdict = told
        return replace(found, decision=decision, verdict=verdict)

    return _going_on(spec, found, counted, months_so_far=len(months))


def _looks(spec: ExperimentSpec, counted: Sequence[MonthResult], *, is_last: bool) -> list[Look]:
    """The looks so far, by the information that there was in fact."""
    planned = planned_information(spec)
    shares: list[float] = []
    before = 0.0
    for number in range(1, len(counted) + 1):
        _, variance = add_up(counted[:number])
        information = 1 / variance
        share = information / planned
        # Beyond the plan there is nothing left to spend, so the first look there is the last.
        is_open = before < 1
        is_step = share - before >= LEAST_STEP
        if not shares or (is_open and is_step):
            shares.append(share)
        else:
            shares[-1] = share
        before = share

    is_end = is_last or before >= 1
    return plan_looks(shares, alpha=spec.alpha, ends=is_end)


def _end(spec: ExperimentSpec, found: Decision, *, is_end: bool) -> tuple[str, str] | None:
    said = _said(spec, found)
    bound = found.look.bound
    if found.z <= -bound:
        return STOP, f"stop: the challenger is worse ({said})"
    if found.z >= bound:
        return SHIP, f"ship: the challenger is better ({said})"

    margin = spec.smallest_effect
    may_be_alike = spec.criteria.ship == "not_worse"
    # The interval holds at every look, so this, too, may be asked in each month.
    if may_be_alike and found.low > -margin:
        verdict = f"ship: the challenger is not worse by {margin:g} or more ({said})"
        return SHIP, verdict
    if is_end:
        return STOP, f"stop: the last look has not shown it to be better ({said})"
    return None


def _futile(spec: ExperimentSpec, found: Decision) -> tuple[str, str] | None:
    """Stop early where the rest can hardly turn it (conditional power, Lan & Wittes 1988)."""
    if spec.criteria.ship == "not_worse":
        return None  # to show no difference is what that experiment hopes for

    share = min(found.look.information, 1.0)
    left = 1 - share
    drift = spec.smallest_effect * sqrt(planned_information(spec))
    # Where z is expected at the end: what was seen, and the smallest effect from here on.
    seen = found.z * sqrt(share)
    mean = seen + drift * left
    # The bound of one look, which is below that of the last: the chance errs towards going on.
    bound = float(norm.isf(spec.alpha / 2))
    distance = (bound - mean) / sqrt(left)
    chance = float(norm.sf(distance))
    if chance >= spec.criteria.futility:
        return None
    return STOP, (
        f"stop: even if an effect of {spec.smallest_effect:g} were true, the chance to show it by "
        f"the end is {chance:.0%} ({_said(spec, found)})"
    )


def _going_on(
    spec: ExperimentSpec,
    found: Decision,
    counted: Sequence[MonthResult],
    *,
    months_so_far: int,
) -> Decision:
    share = found.look.information
    a_month = share / len(counted)
    needed = ceil((1 - share) / a_month)
    allowed = spec.most_months - months_so_far
    # At least one: it goes on, and "0 months to go" would read as an end.
    months = max(1, min(allowed, needed))

    seen = 0
    for month in counted:
        seen += month.customers
    mean_customers = seen / len(counted)
    customers = round(months * mean_customers)

    length = "1 month" if months == 1 else f"{months} months"
    said = _said(spec, found)
    return replace(
        found,
        decision=KEEP_RUNNING,
        verdict=f"keep running: {length}, {customers:,} customers to go ({said})",
        months_to_go=months,
        customers_to_go=customers,
    )


def _said(spec: ExperimentSpec, found: Decision) -> str:
    look = found.look
    spent = look.alpha_spent / spec.alpha
    return (
        f"{spec.primary_metric} {found.estimate:+.4g}, {found.low:+.4g} to {found.high:+.4g}; "
        f"|z| {abs(found.z):.2f}, bound {look.bound:.2f}, "
        f"{spent:.0%} of the error spent"
    )
