"""Whether the champion should be trained again: one pure function of what monitoring has measured.

The rules, in their order:

1. *Outcomes overrule drift.* Where labels have matured, a window is judged by them: by the AUC that
the champion's own
   probabilities promised for these very customers against the AUC it reached, and by churners
   observed against
   expected. Both compare the champion with itself on the same customers, so a changed mix of
   customers moves neither.
   Each counts by the cautious end of its interval, so a small base does not cry wolf.
2. *Without labels*, prediction drift and importance-weighted feature drift together make a window
notable, never
   severe: customers may differ and the model still be right.
3. *A broken feed never retrains.* A month whose data contract failed counts for nothing, nor do
outcomes that were
   predicted from its features.
4. One severe window suffices. Notable windows must be `windows_needed` of the last
`windows_looked_at`, the newest of
   them included. A month that is missing counts as quiet.
5. *Reset.* Windows up to the champion's promotion are another model's and do not count.
6. *Cooldown.* In the month of a training, promoted or refused, and after it, `cooldown_months` in
all, windows raise no
   flag: what they show is what that training knew. A refresh silences nothing.
7. *Follow-up.* The newest matured month judges a training and the one before validates it, so the
training that a flag
   asks for has hardly a row of the new world to fit on. It may be refused; or it is promoted and
   its probabilities
   promise little, so rule 1 sees no fault in it. As months of the new world mature it is repeated
   in each of the
   `follow_up_months` that follow, cooldown or not. While the champion that was flagged still
   serves, only a month that
   is notable itself asks for it: one that keeps its promise again was flagged in error. Where all
   of these were
   refused, later flags against the same champion are not followed up, so what cannot be mended
   ends.
8. *Refresh.* Models age without an alarm. `refresh_after_months` after the last training, promoted
or refused, the next
   month that is sound asks for another.

What past trainings were for is found by replaying this function, so nothing needs to be kept.
Thresholds were chosen by `benchmarks/drift` on seeds that its report does not use; docs/drift.md
has the figures.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from churn_platform.months import label, months_between, shift

QUIET, NOTABLE, SEVERE = 0, 1, 2
Cause = Literal["alarm", "follow_up", "refresh"]
ALARM: Cause = "alarm"
FOLLOW_UP: Cause = "follow_up"
REFRESH: Cause = "refresh"
NAN = float("nan")


@dataclass(frozen=True)
class RetrainingPolicy:
    """The numbers of the rules above."""

    auc_gap_notable: float = 0.01
    auc_gap_severe: float = 0.03
    churn_ratio_notable: float = 1.1
    churn_ratio_severe: float = 1.2
    prediction_drift_limits: float = 1.0
    drifted_importance_notable: float = 0.3
    windows_needed: int = 2
    windows_looked_at: int = 3
    cooldown_months: int = 2
    follow_up_months: int = 6
    refresh_after_months: int = 6


POLICY = RetrainingPolicy()


@dataclass(frozen=True)
class Evidence:
    """What monitoring measured in one month, of the champion in force; NaN if there is nothing
    to measure.

    `auc_gap_low` is the lower bound of (AUC promised - AUC reached); `churn_ratio_low` and `_high`
    bound churners observed / expected; `prediction_drift` is in units of its limit;
    `drifted_importance` is the share of the champion's importance in drifted features. Outcomes
    belong to the features of `features_month`.
    """

    month: date
    features_month: date
    auc_gap_low: float = NAN
    churn_ratio_low: float = NAN
    churn_ratio_high: float = NAN
    prediction_drift: float = NAN
    drifted_importance: float = NAN


@dataclass(frozen=True)
class Training:
    """A training that took place in a month, and whether its model was promoted."""

    month: date
    is_promoted: bool


@dataclass(frozen=True)
class Window:
    """How serious one month is, and why in words."""

    month: date
    level: int
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class RetrainingDecision:
    """Whether to train in `month`, the reasons in words, and the windows they rest on, newest
    first.

    `cause` says by which kind of rule; None if no training is required.
    """

    month: date
    reasons: tuple[str, ...]
    windows: tuple[Window, ...]
    cause: Cause | None = None

    @property
    def is_required(self) -> bool:
        """Whether to train."""
        return self.cause is not None

    def as_dict(self) -> dict[str, Any]:
        """The decision as JSON takes it."""
        windows = []
        for window in self.windows:
            windows.append(asdict(window) | {"month": label(window.month)})

        return {
            "month": label(self.month),
            "is_required": self.is_required,
            "cause": self.cause,
            "reasons": self.reasons,
            "windows": windows,
        }


def decide(
    series: Collection[Evidence],
    month: date,
    *,
    trainings: Sequence[Training] = (),
    broken_months: Collection[date] = (),
    policy: RetrainingPolicy = POLICY,
) -> RetrainingDecision:
    """The decision for `month`; evidence, trainings and broken feeds of later months, in any order,
    change nothing.
    """
    # Trainings of `month` itself do not count either, so that the decision reads the same after the
    # training it caused.
    past: list[_Past] = []
    for training in sorted(trainings, key=lambda training: training.month):
        # Trainings of the month itself do not count: the decision must read the same after the
        # training that it caused.
        if training.month >= month:
            break
        then = _decide(series, training.month, past, broken_months, policy)
        past.append(_Past(training.month, training.is_promoted, then.cause))

    return _decide(series, month, past, broken_months, policy)


@dataclass(frozen=True)
class _Past(Training):
    """A training with what had asked for it; None: somebody, by hand."""

    cause: Cause | None


def _decide(
    series: Collection[Evidence],
    month: date,
    past: Sequence[_Past],
    broken_months: Collection[date],
    policy: RetrainingPolicy,
) -> RetrainingDecision:
    """The decision for `month` after the trainings before it, oldest first."""
    windows = _windows(series, month, past, broken_months, policy)
    # Also said where they decide nothing: a reader must see the fault that is being waited out.
    findings = _newest(month, windows).findings
    # The newest matured month judges and the one before validates, so the first training after a
    # change has hardly a row of the new world. It is repeated as months mature.
    if flag := _followed_flag(month, past, windows, policy):
        words = (
            f"follow-up of {label(flag)}: few of the months fitted "
            "on then were of the changed world"
        )
        return RetrainingDecision(month, (words, *findings), windows, FOLLOW_UP)

    # A refresh is no alarm. If it silenced alarms, a change right after it would wait two months.
    silencing = [training.month for training in past if training.cause != REFRESH]
    if silencing:
        until = shift(silencing[-1], policy.cooldown_months)
        if until > month:
            words = f"quiet until {label(until)} after the training of {label(silencing[-1])}"
            return RetrainingDecision(month, (words, *findings), windows)

    decision = _by_windows(month, windows, policy)
    if decision.is_required or not past or month in broken_months:
        return decision

    # Every month would be 12 trainings a year, of which nearly all are refused.
    last = past[-1].month
    if shift(last, policy.refresh_after_months) > month:
        return decision

    words = f"refresh: the last training is {months_between(last, month)} months ago"
    return RetrainingDecision(month, (words, *decision.reasons), windows, REFRESH)


def _windows(
    series: Collection[Evidence],
    month: date,
    past: Sequence[_Past],
    broken_months: Collection[date],
    policy: RetrainingPolicy,
) -> tuple[Window, ...]:
    # Months up to the promotion measured another model.
    promoted = [training.month for training in past if training.is_promoted]
    since = max(promoted, default=date.min)
    by_month = {evidence.month: evidence for evidence in series}

    windows = []
    for back in range(policy.windows_looked_at):
        looked_at = shift(month, -back)
        if looked_at > since and looked_at in by_month:
            windows.append(judge(by_month[looked_at], broken_months, policy))

    return tuple(windows)


def _by_windows(
    month: date, windows: tuple[Window, ...], policy: RetrainingPolicy
) -> RetrainingDecision:
    newest = _newest(month, windows)
    # One is enough: 20 % more churners than expected cost more than a needless training.
    if newest.level == SEVERE:
        return RetrainingDecision(month, newest.findings, windows, ALARM)
    if newest.level < NOTABLE:
        return RetrainingDecision(month, newest.findings or ("nothing notable",), windows)

    # One notable month alone may be chance; a second one within three months is rarely so.
    notable = [window for window in windows if window.level >= NOTABLE]
    if len(notable) < policy.windows_needed:
        watched = (
            f"watched: {len(notable)} of the {policy.windows_needed} notable months that a "
            "training needs"
        )
        return RetrainingDecision(month, (*newest.findings, watched), windows)

    words = []
    for window in notable:
        for finding in window.findings:
            words.append(f"{label(window.month)}: {finding}")

    return RetrainingDecision(month, tuple(words), windows, ALARM)


def _newest(month: date, windows: tuple[Window, ...]) -> Window:
    return windows[0] if windows and windows[0].month == month else Window(month, QUIET)


def judge(evidence: Evidence, broken_months: Collection[date], policy: RetrainingPolicy) -> Window:
    """How serious one month is by itself."""
    if evidence.features_month in broken_months:
        words = f"outcomes not judged: the feed of {label(evidence.features_month)} was broken"
        return Window(evidence.month, QUIET, (words,))

    graded = _graded_outcomes(evidence, policy)
    if not graded and evidence.month in broken_months:
        words = f"drift not judged: the feed of {label(evidence.month)} is broken"
        return Window(evidence.month, QUIET, (words,))

    if not graded:
        graded = _graded_drift(evidence, policy)

    highest = QUIET
    findings = []
    for level, words in graded:
        highest = max(highest, level)
        if level:
            findings.append(words)

    return Window(evidence.month, highest, tuple(findings))


def _graded_outcomes(evidence: Evidence, policy: RetrainingPolicy) -> list[tuple[int, str]]:
    """Level and words of each outcome that has matured; none if no label has."""
    graded = []
    gap = evidence.auc_gap_low
    if not math.isnan(gap):
        level = _level(gap, policy.auc_gap_notable, policy.auc_gap_severe)
        words = f"AUC at least {gap:.3f} below what the champion's probabilities promise"
        graded.append((level, words))

    low, high = evidence.churn_ratio_low, evidence.churn_ratio_high
    if not math.isnan(low) and not math.isnan(high):
        shortfall = 1 / high if high > 0 else NAN
        ratio = max(low, shortfall)
        level = _level(ratio, policy.churn_ratio_notable, policy.churn_ratio_severe)
        side = f"at least {low:.2f}" if low > 1 else f"at most {high:.2f}"
        graded.append((level, f"churners observed are {side} times those expected"))

    return graded


def _graded_drift(evidence: Evidence, policy: RetrainingPolicy) -> list[tuple[int, str]]:
    is_notable = (
        evidence.prediction_drift > policy.prediction_drift_limits
        and evidence.drifted_importance >= policy.drifted_importance_notable
    )
    words = (
        f"no labels yet; the scores drifted by {evidence.prediction_drift:.1f} times their limit, "
        f"and features with {evidence.drifted_importance:.0%} of the importance did"
    )
    return [(NOTABLE, words)] if is_notable else []


def _level(value: float, notable: float, severe: float) -> int:
    return SEVERE if value > severe else NOTABLE if value > notable else QUIET


def _followed_flag(
    month: date, past: Sequence[_Past], windows: tuple[Window, ...], policy: RetrainingPolicy
) -> date | None:
    """The month of the flag that a training in `month` follows up; None if none is due."""
    flags = []
    promoted = []
    for training in past:
        if training.cause == ALARM:
            flags.append(training.month)

        if training.is_promoted:
            promoted.append(training.month)

    if not flags:
        return None

    flag = flags[-1]
    if shift(flag, policy.follow_up_months) < month:
        return None

    flagged_champion_since = max((each for each in promoted if each < flag), default=date.min)
    if any(flagged_champion_since < each < flag for each in flags):
        return None

    is_replaced = bool(promoted) and promoted[-1] >= flag
    if is_replaced or _newest(month, windows).level >= NOTABLE:
        return flag

    return None
