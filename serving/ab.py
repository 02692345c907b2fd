"""What each arm of an experiment has answered, from the metrics of all worker processes.

The same customer may ask again, so answers are not independent and the intervals are somewhat too narrow. Whether an
arm is *right* is known only when labels mature; that is judged from the prediction log, not here.
"""

import logging
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from serving.bundles import UNREADABLE
from serving.live import Portfolio
from serving.metrics import CHURN, Metrics

Z95 = 1.959963984540054
Totals = dict[str, float]  # sample name and its labels -> value

logger = logging.getLogger(__name__)


class Interval(msgspec.Struct, frozen=True):
    """An estimate with its 95 % interval; null without data."""

    value: float | None
    low: float | None
    high: float | None


NOTHING = Interval(None, None, None)


class ArmStats(msgspec.Struct, kw_only=True):
    """One arm: how often it answered, what, and how fast (quantiles are upper bounds of histogram buckets)."""

    arm: str
    model_version: int
    weight: float
    predictions: int
    mean_churn_probability: Interval
    predicted_churn_share: Interval
    churn_probability_histogram: dict[str, int]
    latency_mean_ms: float | None
    latency_p50_ms: float | None
    latency_p99_ms: float | None


class ExperimentStats(msgspec.Struct, kw_only=True):
    """All live arms, and how far each differs from the champion in the share it predicts to churn."""

    portfolio: str
    since: str | None
    arms: list[ArmStats]
    churn_share_difference: dict[str, Interval]


class _Reset(msgspec.Struct):
    at: str
    totals: Totals


def experiment_stats(portfolio: Portfolio, metrics: Metrics, state_dir: Path) -> ExperimentStats:
    """The arms that are live, counted since the last reset."""
    reset = _read_reset(state_dir, portfolio.name)
    totals = _totals(metrics, portfolio.name)
    since = {name: value - reset.totals.get(name, 0.0) for name, value in totals.items()}
    arms = [_arm(since, arm.role, arm.model.version, arm.weight) for arm in portfolio.arms.all]
    shares = [(arm.predictions, _churned(since, arm.arm, arm.model_version)) for arm in arms]
    return ExperimentStats(
        portfolio=portfolio.name,
        since=reset.at or None,
        arms=arms,
        churn_share_difference={
            f"{arm.arm} {arm.model_version}": difference(*shares[0], *counted)
            for arm, counted in zip(arms[1:], shares[1:], strict=True)
        },
    )


def reset_experiment(portfolio: str, metrics: Metrics, state_dir: Path) -> None:
    """Remember what was counted so far, for every worker process to leave out."""
    path = _reset_file(state_dir, portfolio)
    path.parent.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(_Reset(now, _totals(metrics, portfolio))))
    draft.replace(path)


def wilson(successes: float, trials: float) -> Interval:
    """A share with its interval (Wilson 1927)."""
    if trials <= 0:
        return NOTHING
    share, z2 = successes / trials, Z95 * Z95
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z95 / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def difference(trials: float, successes: float, other_trials: float, other_successes: float) -> Interval:
    """The other share minus the first, with Newcombe's interval (1998, method 10)."""
    one, other = wilson(successes, trials), wilson(other_successes, other_trials)
    if one.value is None or other.value is None:
        return NOTHING
    gap = other.value - one.value
    low = math.hypot(other.value - other.low, one.high - one.value)  # type: ignore[operator]
    high = math.hypot(other.high - other.value, one.value - one.low)  # type: ignore[operator]
    return Interval(gap, gap - low, gap + high)


def _mean(total: float, squares: float, count: float) -> Interval:
    if count <= 0:
        return NOTHING
    mean = total / count
    if count < 2:
        return Interval(mean, None, None)
    variance = max(0.0, squares - count * mean * mean) / (count - 1)
    half = Z95 * math.sqrt(variance / count)
    return Interval(mean, mean - half, mean + half)


def _arm(totals: Mapping[str, float], role: str, version: int, weight: float) -> ArmStats:
    of = f"|{role}|{version}"
    count = totals.get(f"predictions_total{of}", 0.0)
    scores, latencies = (
        _buckets(totals, f"churn_score_bucket{of}"),
        _buckets(totals, f"prediction_latency_seconds_bucket{of}"),
    )
    seconds = totals.get(f"prediction_latency_seconds_sum{of}", 0.0)
    return ArmStats(
        arm=role,
        model_version=version,
        weight=weight,
        predictions=round(count),
        mean_churn_probability=_mean(
            totals.get(f"churn_score_sum{of}", 0.0), totals.get(f"churn_score_squares_total{of}", 0.0), count
        ),
        predicted_churn_share=wilson(_churned(totals, role, version), count),
        churn_probability_histogram={f"{bound:g}": round(number) for bound, number in scores},
        latency_mean_ms=seconds / count * 1e3 if count > 0 else None,
        latency_p50_ms=_quantile(latencies, 0.5),
        latency_p99_ms=_quantile(latencies, 0.99),
    )


def _churned(totals: Mapping[str, float], role: str, version: int) -> float:
    return totals.get(f"churn_predictions_total|{role}|{version}|{CHURN}", 0.0)


def _buckets(totals: Mapping[str, float], prefix: str) -> list[tuple[float, float]]:
    """(upper bound, count in this bucket alone), ascending."""
    found = sorted(
        (float(name.rsplit("|", 1)[1]), value) for name, value in totals.items() if name.startswith(f"{prefix}|")
    )
    return [(bound, value - (found[place - 1][1] if place else 0.0)) for place, (bound, value) in enumerate(found)]


def _quantile(buckets: list[tuple[float, float]], share: float) -> float | None:
    """Upper bound, in milliseconds, of the bucket in which the quantile lies; null where it is unbounded."""
    wanted, seen = share * sum(number for _, number in buckets), 0.0
    for bound, number in buckets:
        seen += number
        if number and seen >= wanted:
            return bound * 1e3 if math.isfinite(bound) else None
    return None


def _totals(metrics: Metrics, portfolio: str) -> Totals:
    """Every sample of the portfolio's arms: name|arm|version, then |outcome or |bucket where there is one."""
    totals: Totals = {}
    for metric in metrics.collect():
        for sample in metric.samples:
            labels = sample.labels
            if labels.get("portfolio") == portfolio and "arm" in labels and not sample.name.endswith("_created"):
                parts = [sample.name, labels["arm"], labels["model_version"]]
                parts += [labels[name] for name in ("outcome", "le") if name in labels]
                totals["|".join(parts)] = sample.value
    return totals


def _reset_file(state_dir: Path, portfolio: str) -> Path:
    return state_dir / "experiments" / f"{portfolio}.json"


def _read_reset(state_dir: Path, portfolio: str) -> _Reset:
    """The newest reset; none where its file is damaged, which counts from the beginning and is logged."""
    path = _reset_file(state_dir, portfolio)
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Reset)
    except FileNotFoundError:
        pass
    except UNREADABLE as error:
        logger.error("reset cannot be read; reset again", extra={"fields": {"file": str(path), "why": str(error)}})
    return _Reset("", {})
