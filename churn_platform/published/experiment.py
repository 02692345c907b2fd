"""An experiment as the service sees it: its arms, and the limits beyond which an arm is dropped.

It is the part `experiment` of live.json. Two arms answer slices of equal size: `challenger` is the
version on trial, `control` is the champion on as many other customers. Everybody else is in no arm.
At a step in shadow nobody is in an arm: the champion answers, and the challenger scores the same
customers beside it. `assignment.py` says who is in which arm.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

CONTROL: Final = "control"
TREATED: Final = "challenger"
GUARDRAIL: Final = "guardrail"
SIGNAL: Final = "signal"
ALARMS_DIR = "alarms"
# Names of files hold it.
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

# Two floats that make 1 may add up to a little more.
TOLERANCE = 1e-9


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How far the challenger's slice may be off the control slice; None: it is not watched.

    Each is a difference, the challenger's figure minus the control's, so what both suffer from is
    no harm. error_rate: share of requests that the version could not answer. p99_latency_ms: the
    share of answers slower than this may be one percentage point above the control's, which is to
    say that the challenger's p99 may be that slow. same_scores: share of customers with the very
    score of the customer before. base_rate_answers: share of answers that are the base rate.
    missing_features: mean share of the model's features that no one told. score_mean_shift: of the
    mean churn probability, up or down. decision_shift: of the share predicted to churn, up or down.
    """

    error_rate: float | None = None
    p99_latency_ms: float | None = None
    same_scores: float | None = None
    base_rate_answers: float | None = None
    missing_features: float | None = None
    score_mean_shift: float | None = None
    decision_shift: float | None = None


GUARDRAILS = Limits(
    error_rate=0.02,
    p99_latency_ms=200.0,
    same_scores=0.5,
    base_rate_answers=0.2,
    missing_features=0.2,
    score_mean_shift=0.2,
    decision_shift=0.25,
)
"""For a spec that names none: each is far from what two sound models of one portfolio differ by."""


class ExperimentArm(msgspec.Struct, frozen=True):
    """A version, and the share of the customers that it answers in its arm."""

    arm: Literal["control", "challenger"]
    version: int
    weight: float


class LiveExperiment(msgspec.Struct, frozen=True, kw_only=True):
    """The experiment that is live.

    spec_hash: of the frozen spec. salt: of this start of it, so that no two starts deal customers
    alike. step: name of the step of the ladder. is_shadow: the challenger scores everyone and
    answers no one. guardrails: beyond one of them the service drops the challenger. signals: beyond
    one of them the experiment is to pause. least_events: answers of each arm before either is
    judged. false_alarms: highest probability that a challenger as good as the control is ever
    dropped. is_paused: no step is to follow; its weights stay.
    """

    name: str
    spec_hash: str
    salt: str
    question: str
    step: str
    arms: tuple[ExperimentArm, ...]
    is_shadow: bool = False
    guardrails: Limits = GUARDRAILS
    signals: Limits = Limits()
    least_events: int = 10
    false_alarms: float = 0.05
    is_paused: bool = False

    @property
    def control(self) -> ExperimentArm:
        """The champion's arm."""
        return next(arm for arm in self.arms if arm.arm == CONTROL)

    @property
    def challenger(self) -> ExperimentArm:
        """The arm of the version on trial."""
        return next(arm for arm in self.arms if arm.arm == TREATED)

    @property
    def start_id(self) -> str:
        """Names this start of the experiment, also in names of files."""
        # By a hash, since a salt may hold what no name of a file can.
        return f"{self.name}-{hashlib.sha256(self.salt.encode()).hexdigest()[:12]}"


def two_arms(*, champion: int, challenger: int, weight: float) -> tuple[ExperimentArm, ...]:
    """The arms of a step at which the challenger answers `weight` of the customers: the control
    slice is as large, as long as so many customers are left.
    """
    return (
        ExperimentArm(CONTROL, champion, min(weight, 1.0 - weight)),
        ExperimentArm(TREATED, challenger, weight),
    )


def faults_of(experiment: LiveExperiment) -> Iterator[str]:
    """What makes no sense in an experiment, a sentence each."""
    if not NAME.fullmatch(experiment.name):
        yield f"the name {experiment.name[:80]!r}; allowed are a-z, 0-9, - and _"
    if not experiment.salt:
        yield "an empty salt; each start needs one of its own"

    names = [arm.arm for arm in experiment.arms]
    if sorted(names) != [TREATED, CONTROL]:
        yield f"arms {names}; it needs {TREATED} and {CONTROL}"
        # What follows asks for one arm of each name.
        return

    if experiment.control.version == experiment.challenger.version:
        yield f"version {experiment.control.version} in both arms"

    weights = [arm.weight for arm in experiment.arms]
    # Asked for what they should be, so that NaN, which compares as False, is a fault.
    are_shares = min(weights) >= 0 and sum(weights) <= 1 + TOLERANCE
    if not are_shares:
        yield f"weights {weights}; each must be at least 0, and both together at most 1"
    if experiment.is_shadow and max(weights) > 0:
        yield f"weights {weights} in shadow, where the champion answers everyone"

    is_probability = 0 < experiment.false_alarms < 1
    if experiment.least_events < 1 or not is_probability:
        yield (
            f"least_events {experiment.least_events}, false_alarms {experiment.false_alarms}; "
            "at least 1, and between 0 and 1"
        )


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker of the service found of the challenger, and when (UTC, microseconds).

    kind: guardrail, by which the worker dropped it, or signal, which asks for a pause. watched: the
    field of `Limits`. difference: the challenger's figure minus the control's; at_least: what it is
    at the least, whatever chance did. answers: of the challenger, then of the control.
    """

    portfolio: str
    experiment: str
    spec_hash: str
    start_id: str
    version: int
    kind: Literal["guardrail", "signal"]
    watched: str
    limit: float
    difference: float
    at_least: float
    answers: tuple[int, int]
    at_us: int
    worker: str

    def __str__(self) -> str:
        return (
            f"version {self.version}: {self.watched} is off the control's by "
            f"{self.difference:+.4g}, by at least {self.at_least:.4g}; {self.limit:.4g} is allowed "
            f"({self.answers[0]} answers against {self.answers[1]})"
        )


def alarm_file(log: Path, start_id: str, kind: str) -> Path:
    """Where a service says so: beside the portfolio's prediction log, whose folder `log` is."""
    return log / ALARMS_DIR / f"{start_id}.{kind}.json"
