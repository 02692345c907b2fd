"""Whether a challenger does harm, judged from what its arm and the control have answered. Pure.

Each watched figure is a difference of two means, with a bound that holds at every look at once
(`published/confidence_sequence.py`), so that looking all the time does not cry wolf. Harm alone is
judged: a challenger that is better than the control is never in breach.
"""

from collections.abc import Iterator

import msgspec

from churn_platform.published.confidence_sequence import (
    Sums,
    difference_at_least,
    share_at_least,
)
from churn_platform.published.experiment import GUARDRAIL, Limits, LiveExperiment
from serving.traffic.arm_counts import ArmSums

# Of both arms, where the bound is to be nearest: a bad arm should be known by then.
PLANNED_ANSWERS = 400
# By p99: one answer in a hundred may be slower.
SLOW_SHARE = 0.01
# Every watched value lies in [0, 1], so that no value can be further from a mean than about this.
DEVIATION = 0.5
P99 = "p99_latency_ms"
EITHER_WAY = frozenset({"score_mean_shift", "decision_shift"})
TESTED_TWICE = EITHER_WAY | {P99}


class Watched(msgspec.Struct, frozen=True):
    """One limit of an experiment with the two streams that it is about.

    limit: as the spec says it. allowed: highest difference of the means.
    """

    name: str
    limit: float
    allowed: float
    treated: Sums
    control: Sums


class Judgement(msgspec.Struct, frozen=True):
    """How far a figure is off the control's, and what it is off by at the least; both None before
    each arm has the events that a judgement needs.
    """

    watched: Watched
    difference: float | None
    at_least: float | None

    @property
    def is_breach(self) -> bool:
        """Whether the limit is surely exceeded."""
        return self.at_least is not None and self.at_least > self.watched.allowed


def judge(
    experiment: LiveExperiment, kind: str, treated: ArmSums, control: ArmSums
) -> list[Judgement]:
    """Every limit of the experiment's guardrails, or of its signals."""
    is_guardrail = kind == GUARDRAIL
    limits = experiment.guardrails if is_guardrail else experiment.signals
    watched = list(_watched(limits, treated, control, is_guardrail=is_guardrail))
    # Bonferroni: all tests together give a false alarm no more often than the experiment allows.
    tests = 0
    for one in watched:
        tests += 2 if one.name in TESTED_TWICE else 1

    judged = []
    for one in watched:
        alpha = experiment.false_alarms / tests
        judged.append(_judged(one, alpha=alpha, least_events=experiment.least_events))

    return judged


def _watched(
    limits: Limits, treated: ArmSums, control: ArmSums, *, is_guardrail: bool
) -> Iterator[Watched]:
    streams = zip(
        _streams(treated, is_guardrail=is_guardrail),
        _streams(control, is_guardrail=is_guardrail),
        strict=True,
    )
    for (name, of_treated), (_, of_control) in streams:
        limit = getattr(limits, name)
        if limit is not None:
            allowed = SLOW_SHARE if name == P99 else limit
            yield Watched(
                name,
                limit,
                allowed,
                of_treated,
                of_control,
            )


def _streams(arm: ArmSums, *, is_guardrail: bool) -> Iterator[tuple[str, Sums]]:
    """What each field of `Limits` is about, causes before what they lead to: the first that is
    breached is named.
    """
    yield "error_rate", arm.failed
    yield P99, arm.share(arm.slow if is_guardrail else arm.slow_for_signal)
    yield "same_scores", arm.share(arm.same_scores)
    yield "base_rate_answers", arm.share(arm.base_rate_answers)
    yield "missing_features", arm.missing
    yield "score_mean_shift", arm.scores
    yield "decision_shift", arm.share(arm.churned)


def _judged(watched: Watched, *, alpha: float, least_events: int) -> Judgement:
    treated = watched.treated
    control = watched.control
    is_latency = watched.name == P99
    if is_latency and _is_far_slower(treated, control, alpha=alpha):
        at_least = share_at_least(treated.total, treated.count, alpha=alpha) - control.mean
        return Judgement(watched, treated.mean - control.mean, at_least)

    if min(treated.count, control.count) < max(1, least_events):
        return Judgement(watched, None, None)

    def above(one: Sums, other: Sums) -> float:
        return difference_at_least(
            one,
            other,
            planned=PLANNED_ANSWERS,
            alpha=alpha,
            deviation=DEVIATION,
        )

    at_least = above(treated, control)
    if watched.name in EITHER_WAY:
        at_least = max(at_least, above(control, treated))

    return Judgement(watched, treated.mean - control.mean, at_least)


def _is_far_slower(treated: Sums, control: Sums, *, alpha: float) -> bool:
    """Whether the challenger's p99 is surely beyond its limit, while the control shows no sign of
    it.

    A challenger that takes seconds keeps its worker busy, so that the answers which other limits
    wait for do not come: here two slow ones are enough, for among a hundred one may be slow.
    """
    if control.count < treated.total or control.mean > SLOW_SHARE:
        return False
    return share_at_least(treated.total, treated.count, alpha=alpha) > SLOW_SHARE
