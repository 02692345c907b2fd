"""What each version of an experiment has answered since the last reset, over all worker processes.

The same customer may ask again, so answers are not independent and the intervals are somewhat too
narrow. Whether a version is *right* is known only when labels mature; that is judged from the
prediction log, not here.
"""

import logging
import math
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from serving.answer.answers import about
from serving.registry import ServedPortfolio
from serving.traffic.experiment_counts import (
    LATENCY_BUCKETS,
    SCORE_BUCKETS,
    Counts,
    ExperimentCounts,
)
from serving.traffic.live_experiment import ExperimentView, live_experiment
from serving.traffic.watch import ExperimentWatch

Z95 = 1.959963984540054

logger = logging.getLogger(__name__)


class Interval(msgspec.Struct, frozen=True):
    """An estimate with its 95 % interval; null without data."""

    value: Annotated[float | None, about("The estimate.")]
    low: Annotated[float | None, about("Lower bound of the 95 % interval.")]
    high: Annotated[float | None, about("Upper bound of the 95 % interval.")]


NOTHING = Interval(None, None, None)


class ArmStats(msgspec.Struct, kw_only=True):
    """One version: how often it answered, what, and how fast (quantiles are upper bounds of
    histogram buckets).
    """

    arm: Annotated[str, about("Role of the model.")]
    model_version: Annotated[int, about("Its version.")]
    weight: Annotated[float, about("Share of the traffic that it answers.", ge=0, le=1)]
    predictions: Annotated[int, about("How many answers since the reset.")]
    mean_churn_probability: Annotated[Interval, about("Mean score.")]
    predicted_churn_share: Annotated[Interval, about("Share that it predicted to churn.")]
    churn_probability_histogram: Annotated[
        dict[str, int], about("Answers by upper bound of the score.")
    ]
    latency_mean_ms: Annotated[float | None, about("Mean time of an answer, in milliseconds.")]
    latency_p50_ms: Annotated[
        float | None, about("Median of it, as the upper bound of a histogram bucket.")
    ]
    latency_p99_ms: Annotated[
        float | None, about("99 % quantile of it, likewise; null beyond the last bucket.")
    ]


class ExperimentStats(msgspec.Struct, kw_only=True):
    """All live versions, and how far each differs from the champion in the share it
    predicts to churn.
    """

    portfolio: Annotated[str, about("The portfolio.")]
    since: Annotated[str | None, about("When counting began; null where it was never reset.")]
    arms: Annotated[list[ArmStats], about("The champion first.")]
    churn_share_difference: Annotated[
        dict[str, Interval],
        about("By role and version, share predicted to churn minus the champion's."),
    ]
    experiment: Annotated[
        ExperimentView | None, about("The experiment that is live; null without one.")
    ]


def experiment_stats(
    portfolio: ServedPortfolio, counts: ExperimentCounts, watch: ExperimentWatch
) -> ExperimentStats:
    """The versions that are live since the last reset, and the experiment since its start."""
    live = []
    counted = []
    for share in portfolio.traffic.all:
        version = share.model.version
        total = counts.total(portfolio.name, share.role, version)
        stats = _stats(total, share.role, version, share.weight)
        live.append(stats)
        counted.append((total.predictions, total.churned))

    differences = {}
    for other, of_other in zip(live[1:], counted[1:], strict=True):
        name = f"{other.arm} {other.model_version}"
        of_champion = counted[0]
        differences[name] = difference(*of_champion, *of_other)

    return ExperimentStats(
        portfolio=portfolio.name,
        since=_since(portfolio.name, counts.began_at_us(portfolio.name)),
        arms=live,
        churn_share_difference=differences,
        experiment=_experiment(portfolio, watch),
    )


def _experiment(portfolio: ServedPortfolio, watch: ExperimentWatch) -> ExperimentView | None:
    if portfolio.experiment is None:
        return None
    return live_experiment(portfolio, watch.counts_of(portfolio.name, portfolio.experiment))


def wilson(successes: float, trials: float) -> Interval:
    """A share with its interval (Wilson 1927)."""
    if trials <= 0:
        return NOTHING

    # Written out here: the service loads nothing heavy, so no statsmodels.
    share = successes / trials
    share = min(1.0, max(0.0, share))

    z2 = Z95 * Z95
    width = 1 + z2 / trials
    middle = (share + z2 / (2 * trials)) / width
    variance = share * (1 - share) / trials + z2 / (4 * trials * trials)
    half = Z95 / width * math.sqrt(variance)

    return Interval(
        share,
        max(0.0, middle - half),
        min(1.0, middle + half),
    )


def difference(
    trials: float, successes: float, other_trials: float, other_successes: float
) -> Interval:
    """The other share minus the first, with Newcombe's interval (1998, method 10)."""
    one = wilson(successes, trials)
    other = wilson(other_successes, other_trials)
    if one.value is None or other.value is None:
        return NOTHING

    gap = other.value - one.value
    # Each bound by the interval's half that is on its side.
    low = math.hypot(
        other.value - other.low,  # type: ignore[operator]
        one.high - one.value,  # type: ignore[operator]
    )
    high = math.hypot(
        other.high - other.value,  # type: ignore[operator]
        one.value - one.low,  # type: ignore[operator]
    )

    return Interval(gap, gap - low, gap + high)


def _mean(total: float, squares: float, count: float) -> Interval:
    if count <= 0:
        return NOTHING

    mean = total / count
    if count < 2:
        return Interval(mean, None, None)

    # Rounding may leave a little less than nothing.
    around = max(0.0, squares - count * mean * mean)
    variance = around / (count - 1)
    half = Z95 * math.sqrt(variance / count)

    return Interval(mean, mean - half, mean + half)


def _stats(total: Counts, role: str, version: int, weight: float) -> ArmStats:
    count = total.predictions
    latency_bounds = (*LATENCY_BUCKETS, math.inf)
    latencies = list(zip(latency_bounds, total.latencies, strict=True))

    histogram = {}
    score_bounds = (*SCORE_BUCKETS, math.inf)
    for bound, number in zip(score_bounds, total.scores, strict=True):
        histogram[f"{bound:g}"] = round(number)

    return ArmStats(
        arm=role,
        model_version=version,
        weight=weight,
        predictions=round(count),
        mean_churn_probability=_mean(total.score_sum, total.squares, count),
        predicted_churn_share=wilson(total.churned, count),
        churn_probability_histogram=histogram,
        latency_mean_ms=total.seconds_sum / count * 1e3 if count > 0 else None,
        latency_p50_ms=_quantile(latencies, 0.5),
        latency_p99_ms=_quantile(latencies, 0.99),
    )


def _quantile(buckets: list[tuple[float, float]], share: float) -> float | None:
    """Upper bound, in milliseconds, of the bucket in which the quantile is; null if it is
    unbounded.
    """
    wanted = share * sum(number for _, number in buckets)
    seen = 0.0
    for bound, number in buckets:
        seen += number
        if number and seen >= wanted:
            if math.isfinite(bound):
                return bound * 1e3

            return None

    return None


def _since(portfolio: str, began_at_us: int) -> str | None:
    """When counting began; None if there was no reset, or where its record is damaged, which is
    logged.
    """
    if began_at_us == 0:
        return None

    try:
        return datetime.fromtimestamp(began_at_us / 1e6, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError) as error:
        shown = {"portfolio": portfolio, "why": str(error)}
        logger.error("reset cannot be read; reset again", extra={"fields": shown})
        return None
