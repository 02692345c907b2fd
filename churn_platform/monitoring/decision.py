"""Whether the champion should be trained again: one pure function of what monitoring has measured.

The rules, in their order:

1. *Outcomes overrule drift.* Where labels have matured, a window is judged by them: by the AUC that the champion's own
   probabilities promised for these very customers against the AUC it reached, and by churners observed against
   expected. Both compare the champion with itself on the same customers, so a changed mix of customers moves neither.
   Each counts by the cautious end of its interval, so a small base does not cry wolf.
2. *Without labels*, prediction drift and importance-weighted feature drift together make a window notable, never
   severe: customers may differ and the model still be right.
3. *A broken feed never retrains.* A month whose data contract failed counts for nothing, nor do outcomes that were
   predicted from its features.
4. One severe window suffices. Notable windows must be `windows_needed` of the last `windows_looked_at`, the newest of
   them included. A month that is missing counts as quiet.
5. *Reset.* Windows up to the champion's promotion are another model's and do not count.
6. *Cooldown.* For `cooldown_months` after a training, promoted or refused, windows raise no flag: what they show is
   what that training knew.
7. *Follow-up.* A model promoted after a flag was fitted mostly on months before the change, and its own probabilities
   promise little, so rule 1 sees no fault in it. As months of the new world mature it is trained again, in each of
   `follow_up_months` after the flag, cooldown or not.

Thresholds were chosen by `benchmarks/drift.py` on seeds that its report does not use; docs/drift.md has the figures.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from churn_platform.months import label, shift

QUIET, NOTABLE, SEVERE = 0, 1, 2
NAN = float("nan")


@dataclass(frozen=True)
class Policy:
    """The numbers of the rules above."""

    auc_gap_notable: float = 0.01
    auc_gap_severe: float = 0.03
    churn_ratio_notable: float = 1.15
    churn_ratio_severe: float = 1.3
    prediction_drift_limits: float = 1.0
    drifted_importance_notable: float = 0.3
    windows_needed: int = 2
    windows_looked_at: int = 3
    cooldown_months: int = 2
    follow_up_months: tuple[int, ...] = (1, 2, 3, 4, 5, 6)


POLICY = Policy()


@dataclass(frozen=True)
class Evidence:
    """What monitoring measured in one month, of the champion in force; NaN where there is nothing to measure.

    `auc_gap_low` is the lower bound of (AUC promised - AUC reached); `churn_ratio_low` and `_high` bound churners
    observed / expected; `prediction_drift` is in units of its limit; `drifted_importance` is the share of the
    champion's importance in drifted features. Outcomes belong to the features of `features_month`.
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
class Decision:
    """Whether to train in `month`, the reasons in words, and the windows they rest on, newest first."""

    month: date
    is_required: bool
    reasons: tuple[str, ...]
    windows: tuple[Window, ...]

    def as_dict(self) -> dict[str, Any]:
        """The decision as JSON takes it."""
        windows = [asdict(window) | {"month": label(window.month)} for window in self.windows]
        return {
            "month": label(self.month),
            "is_required": self.is_required,
            "reasons": self.reasons,
            "windows": windows,
        }


def decide(
    series: Collection[Evidence],
    month: date,
    *,
    trainings: Sequence[Training] = (),
    broken_months: Collection[date] = (),
    policy: Policy = POLICY,
) -> Decision:
    """The decision for `month`; evidence, trainings and broken feeds of later months, in any order, change nothing.

    Trainings of `month` itself do not count either, so that the decision reads the same after the training it caused.
    """
    past = sorted((training for training in trainings if training.month < month), key=lambda training: training.month)
    promoted = max((training.month for training in past if training.is_promoted), default=date.min)
    by_month = {evidence.month: evidence for evidence in series if promoted < evidence.month <= month}
    looked_at = [shift(month, -back) for back in range(policy.windows_looked_at)]
    windows = tuple(judge(by_month[each], broken_months, policy) for each in looked_at if each in by_month)
    if follow_up := _follow_up(series, month, past, broken_months, policy):
        return Decision(month, True, (follow_up,), windows)
    if past and shift(past[-1].month, policy.cooldown_months) > month:
        words = f"quiet until {label(shift(past[-1].month, policy.cooldown_months))} after the training of "
        return Decision(month, False, (words + label(past[-1].month),), windows)
    return _by_windows(month, windows, policy)


def _by_windows(month: date, windows: tuple[Window, ...], policy: Policy) -> Decision:
    newest = windows[0] if windows and windows[0].month == month else Window(month, QUIET)
    notable = [window for window in windows if window.level >= NOTABLE]
    if newest.level == SEVERE:
        return Decision(month, True, newest.findings, windows)
    if newest.level == NOTABLE and len(notable) >= policy.windows_needed:
        words = [f"{label(window.month)}: {finding}" for window in notable for finding in window.findings]
        return Decision(month, True, tuple(words), windows)
    if newest.level == NOTABLE:
        watched = f"watched: {len(notable)} of the {policy.windows_needed} notable months that a training needs"
        return Decision(month, False, (*newest.findings, watched), windows)
    return Decision(month, False, newest.findings or ("nothing notable",), windows)


def judge(evidence: Evidence, broken_months: Collection[date], policy: Policy) -> Window:
    """How serious one month is by itself."""
    if evidence.features_month in broken_months:
        words = f"outcomes not judged: the feed of {label(evidence.features_month)} was broken"
        return Window(evidence.month, QUIET, (words,))
    graded = _graded_outcomes(evidence, policy)
    if not graded and evidence.month in broken_months:
        return Window(evidence.month, QUIET, (f"drift not judged: the feed of {label(evidence.month)} is broken",))
    graded = graded or _graded_drift(evidence, policy)
    level = max((level for level, _ in graded), default=QUIET)
    return Window(evidence.month, level, tuple(words for level, words in graded if level))


def _graded_outcomes(evidence: Evidence, policy: Policy) -> list[tuple[int, str]]:
    """Level and words of each outcome that has matured; none where no label has."""
    gap, low, high = evidence.auc_gap_low, evidence.churn_ratio_low, evidence.churn_ratio_high
    graded = []
    if gap == gap:
        level = _level(gap, policy.auc_gap_notable, policy.auc_gap_severe)
        graded.append((level, f"AUC at least {gap:.3f} below what the champion's probabilities promise"))
    if low == low and high == high:
        ratio = max(low, 1 / high if high > 0 else NAN)
        level = _level(ratio, policy.churn_ratio_notable, policy.churn_ratio_severe)
        side = f"at least {low:.2f}" if low > 1 else f"at most {high:.2f}"
        graded.append((level, f"churners observed are {side} times those expected"))
    return graded


def _graded_drift(evidence: Evidence, policy: Policy) -> list[tuple[int, str]]:
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


def _follow_up(
    series: Collection[Evidence],
    month: date,
    past: Sequence[Training],
    broken_months: Collection[date],
    policy: Policy,
) -> str | None:
    """Why a follow-up training is due in `month`; None where it is not.

    It is due a fixed time after the flag, where the flag led to a promotion.
    """
    for training in past:
        is_due = month in [shift(training.month, months) for months in policy.follow_up_months]
        if is_due and training.is_promoted:
            first = decide(
                series,
                training.month,
                trainings=past,
                broken_months=broken_months,
                policy=Policy(**asdict(policy) | {"follow_up_months": ()}),
            )
            if first.is_required:
                return f"follow-up of {label(training.month)}: its model was fitted mostly on months before the change"
    return None
