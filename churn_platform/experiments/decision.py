"""Ends an experiment in words: ship, stop, or keep running. Pure.

Months add up, each by its customers. The bounds are group-sequential, so a look in each month costs
no false alarm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
    customers = sum(month.customers for month in months)
    total = sum(month.difference * month.customers for month in months)
    spread = sum(month.variance * month.customers**2 for month in months)
    return total / customers, spread / customers**2


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
    looks = _looks(spec, counted, is_last=len(months) >= spec.most_months)
    look = looks[-1]
    error = sqrt(variance)
    found = Decision(
        KEEP_RUNNING,
        "",
        estimate=estimate,
        low=estimate - look.bound * error,
        high=estimate + look.bound * error,
        z=estimate / error,
        look=look,
    )
    is_end = look.alpha_spent >= spec.alpha
    told = _end(spec, found, is_end=is_end) or _futile(spec, found)
    if told:
        return _with(found, *told)

    return _going_on(spec, found, counted, months_so_far=len(months))


def _looks(spec: ExperimentSpec, counted: Sequence[MonthResult], *, is_last: bool) -> list[Look]:
    """The looks so far, by the information that there was in fact."""
    planned = planned_information(spec)
    shares: list[float] = []
    for number in range(len(counted)):
        _, variance = add_up(counted[: number + 1])
        total = 1 / variance / planned
        # Beyond the plan there is nothing left to spend, so the first look there is the last.
        if not shares or (shares[-1] < 1 and total - shares[-1] >= LEAST_STEP):
            shares.append(total)
        else:
            shares[-1] = total

    return plan_looks(shares, alpha=spec.alpha, ends=is_last or shares[-1] >= 1)


def _end(spec: ExperimentSpec, found: Decision, *, is_end: bool) -> tuple[str, str] | None:
    said = _said(spec, found)
    if found.z <= -found.look.bound:
        return STOP, f"stop: the challenger is worse ({said})"
    if found.z >= found.look.bound:
        return SHIP, f"ship: the challenger is better ({said})"
    if spec.criteria.ship == "not_worse" and found.low > -spec.smallest_effect:
        return SHIP, (
            f"ship: the challenger is not worse by {spec.smallest_effect:g} or more ({said})"
        )
    if is_end:
        return STOP, f"stop: the last look has not shown it to be better ({said})"
    return None


def _futile(spec: ExperimentSpec, found: Decision) -> tuple[str, str] | None:
    """Stop early where the rest can hardly turn it (conditional power, Lan & Wittes 1988)."""
    if spec.criteria.ship == "not_worse":
        return None  # to show no difference is what that experiment hopes for

    share = min(found.look.information, 1.0)
    drift = spec.smallest_effect * sqrt(planned_information(spec))
    mean = found.z * sqrt(share) + drift * (1 - share)
    bound = float(norm.isf(spec.alpha / 2))
    chance = float(norm.sf((bound - mean) / sqrt(1 - share)))
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
    left = spec.most_months - months_so_far
    months = max(1, min(left, ceil((1 - share) / a_month)))
    mean_customers = sum(month.customers for month in counted) / len(counted)
    customers = round(months * mean_customers)
    verdict = (
        f"keep running: {months} month{'s' if months > 1 else ''}, {customers:,} customers to go "
        f"({_said(spec, found)})"
    )
    decided = _with(found, KEEP_RUNNING, verdict)
    return Decision(**{**vars(decided), "months_to_go": months, "customers_to_go": customers})


def _with(found: Decision, decision: str, verdict: str) -> Decision:
    return Decision(**{**vars(found), "decision": decision, "verdict": verdict})


def _said(spec: ExperimentSpec, found: Decision) -> str:
    return (
        f"{spec.primary_metric} {found.estimate:+.4g}, {found.low:+.4g} to {found.high:+.4g}; "
        f"|z| {abs(found.z):.2f}, bound {found.look.bound:.2f}, "
        f"{found.look.alpha_spent / spec.alpha:.0%} of the error spent"
    )
