"""Whether a challenger may replace the champion: absolute gates first, then evidence on the same
customers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from churn_platform.metrics.comparison import CONFIDENCE, Difference
from churn_platform.metrics.fairness import FairnessGap
from churn_platform.metrics.metrics import Metrics
from churn_platform.portfolios.spec import Gates
from churn_platform.published.plain_numbers import number

Outcome = Literal["promoted", "awaiting_approval", "refused"]
PROMOTED: Outcome = "promoted"
AWAITING_APPROVAL: Outcome = "awaiting_approval"
REFUSED: Outcome = "refused"

NEARLY_CONSTANT = 0.01


@dataclass(frozen=True)
class Standing:
    """All that the absolute gates look at, of one model on one set of customers.

    `metrics` is None if the predictions cannot be measured. `barred` says why a version may not
    serve regardless of its metrics, for example because its export differs or a rollback withdrew
    it. What is None otherwise was not judged.
    """

    metrics: Metrics | None
    degenerate: str | None = None
    barred: str | None = None
    latency_ms: float | None = None
    fairness: FairnessGap | None = None


@dataclass(frozen=True)
class PromotionDecision:
    """The outcome of one evaluation, with the reason in words."""

    outcome: Outcome
    reason: str
    difference: Difference | None

    @property
    def promoted(self) -> bool:
        """Whether the challenger is to serve now."""
        return self.outcome == PROMOTED


def decide(
    challenger: Standing,
    champion: Standing | None,
    difference: Difference | None,
    gates: Gates,
    *,
    approval: Literal["automatic", "manual"] = "automatic",
) -> PromotionDecision:
    """Promote, refuse, or wait for a person.

    The challenger must pass every absolute gate. Against no champion, or one that itself fails a
    gate, that is enough;
    otherwise the lower bound of the AUC difference must exceed the portfolio's margin. Where the
    champion misses the
    least AUC too, as after the world has become harder to foresee, a challenger that exceeds the
    margin need not reach
    it: a refusal would keep the worse one. With manual approval a challenger that earned promotion
    waits until somebody
    has approved it.
    """
    earned, reason = _merit(challenger, champion, difference, gates)
    if not earned:
        return PromotionDecision(REFUSED, f"refused: {reason}", difference)
    if approval == "automatic":
        return PromotionDecision(PROMOTED, f"promoted: {reason}", difference)

    return PromotionDecision(
        AWAITING_APPROVAL,
        f"earned promotion, waits for approval: {reason}",
        difference,
    )


def _merit(
    challenger: Standing, champion: Standing | None, difference: Difference | None, gates: Gates
) -> tuple[bool, str]:
    """Whether the challenger earned promotion, and why."""
    # First, because no figure can make up for it: the export differs, or a rollback withdrew it.
    if challenger.barred:
        return False, challenger.barred

    weaknesses = failed_gates(champion, gates) if champion else []
    failures = failed_gates(challenger, gates)
    evidence = _evidence(difference, gates)
    is_better = difference is not None and difference.low > gates.promotion_margin_auc
    # The world became harder to predict: a refusal would keep the worse model serving.
    neither_reaches_auc = _misses_auc(champion, gates) and _misses_auc(challenger, gates)
    if is_better and neither_reaches_auc:
        without_auc = gates.model_copy(update={"min_auc": 0.0})
        failures = failed_gates(challenger, without_auc)
        evidence += ", neither reaches the least AUC"

    if failures:
        return False, f"the challenger fails {'; '.join(failures)}"
    if champion is None:
        return True, "it passes every gate and there is no champion yet"
    if champion.barred:
        return True, f"the champion may not serve: {champion.barred}"
    if weaknesses:
        return True, f"the champion fails {'; '.join(weaknesses)} ({evidence})"
    if difference is None:
        return False, "there are no customers on which to compare it with the champion"
    if is_better:
        return True, f"better than the champion ({evidence})"

    return False, f"not shown to be better than the champion ({evidence})"


def _evidence(difference: Difference | None, gates: Gates) -> str:
    if difference is None:
        return "not compared"

    return (
        f"AUC difference {difference.estimate:+.4f}, "
        f"{CONFIDENCE * 100:g} % interval {difference.low:+.4f} to "
        f"{difference.high:+.4f}, margin {gates.promotion_margin_auc:.4f}"
    )


def _misses_auc(standing: Standing | None, gates: Gates) -> bool:
    return (
        standing is not None
        and standing.metrics is not None
        and not standing.metrics.auc >= gates.min_auc
    )


def failed_gates(standing: Standing, gates: Gates) -> list[str]:
    """Each absolute gate that a model fails, in words."""
    failures = []
    if standing.degenerate:
        failures.append(standing.degenerate)

    if standing.metrics:
        failures += _failed_metrics(standing.metrics, gates)

    latency = standing.latency_ms
    if latency is not None and not latency <= gates.max_latency_ms:
        failures.append(f"latency {latency:.1f} ms > {gates.max_latency_ms} ms")

    gap = standing.fairness
    if gap and not gap.difference <= gates.max_fairness_gap:
        failures.append(
            f"equalized-odds difference over {gap.attribute} {gap.difference:.4f} > "
            f"{gates.max_fairness_gap}"
        )

    return failures


def _failed_metrics(metrics: Metrics, gates: Gates) -> list[str]:
    failures = []
    auc, recall, error = metrics.auc, metrics.recall, metrics.calibration_error
    # `not >=`, not `<`: NaN fails every gate this way.
    if not auc >= gates.min_auc:
        failures.append(f"AUC {auc:.4f} < {gates.min_auc}")

    if not recall >= gates.min_recall:
        failures.append(f"recall {recall:.4f} < {gates.min_recall}")

    if not error <= gates.max_calibration_error:
        failures.append(f"calibration error {error:.4f} > {gates.max_calibration_error}")

    return failures


def degenerate(probability: np.ndarray) -> str | None:
    """Why predictions are unusable: not numbers, outside [0, 1], constant or nearly so; None if
    they are sound.

    Nearly constant: from the 1st to the 99th percentile they grow by a hundredth of the latter at
    most.
    """
    if missing := int(np.isnan(probability).sum()):
        return f"sound predictions ({missing:,} of {len(probability):,} are not a number)"

    outside = int(((probability < 0) | (probability > 1)).sum())
    if outside:
        return f"sound predictions ({outside:,} of {len(probability):,} are outside 0 to 1)"

    low, high = np.quantile(probability, [0.01, 0.99])
    # A constant score passes calibration and has an AUC of 0.5 by ties; a campaign cannot use it.
    if high - low <= NEARLY_CONSTANT * high:
        return (
            "sound predictions (98 % of the customers get about the same, "
            f"{number(low)} to {number(high)})"
        )

    return None


def opponent_of(
    row: Mapping[str, Any] | None, challenger: int, *, serving: int | None, previous: int | None
) -> int | None:
    """The version that a challenger is to be judged against.

    A version that was judged before meets the same opponent again, so that judging twice gives one
    decision. Otherwise it meets the champion; where it is the champion itself, the one before.
    """
    if row and row["challenger_version"] == challenger and row["champion_version"] != challenger:
        return row["champion_version"]
    if serving != challenger:
        return serving
    return previous if previous != challenger else None
