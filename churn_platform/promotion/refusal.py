"""A refused first model: what it reached, and what its owner can do next.

A later challenger that is refused leaves the champion in service. A first one leaves nothing, so
its figures and the choices are told.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from churn_platform.metrics.metrics_table import SHOWN
from churn_platform.portfolios.spec import Portfolio
from churn_platform.promotion.rules import REFUSED

FIGURES = ("auc", "recall", "precision", "lift_top_decile", "calibration_error")


def is_refused_first(row: Mapping[str, Any] | None) -> bool:
    """Whether a row of the table `evaluation` refuses a challenger that had no champion beside
    it.
    """
    return row is not None and row["outcome"] == REFUSED and row["champion_version"] is None


def refusal_text(portfolio: Portfolio, row: Mapping[str, Any], spec_file: Path) -> str:
    """The refusal in words, the figures of the challenger, and one choice per line.

    row: of the table `evaluation`. spec_file: the YAML file that the choices change.
    """
    challenger = json.loads(row["evidence"])["challenger"]
    metrics = challenger["metrics"] or {}
    lines = [f"refused         {row['reason'].removeprefix('refused: ')}", ""]
    for name in FIGURES:
        if name in metrics:
            lines.append(f"  {SHOWN[name]:<46}{metrics[name]:>8.3f}")

    choices = _fairness_choices(portfolio, challenger) + _metric_choices(portfolio, metrics)
    if choices:
        lines += [
            "",
            f"what you can do, each in {spec_file}, and then `churn run {portfolio.name}`",
        ]
        lines += [f"- {choice}" for choice in choices]

    return "\n".join(lines)


def _fairness_choices(portfolio: Portfolio, challenger: Mapping[str, Any]) -> list[str]:
    gap, limit = challenger["fairness"], portfolio.gates.max_fairness_gap
    if not gap or gap["difference"] <= limit:
        return []

    attribute, difference = gap["attribute"], gap["difference"]
    choices = []
    if attribute in {feature.name for feature in portfolio.features}:
        choices.append(
            f"take the feature `{attribute}` out of `features`: the model then knows less about "
            "the groups; other features may still tell them apart"
        )

    choices.append(
        f"set `min_recall` under `gates` to another value than {portfolio.gates.min_recall:g}: "
        "it chooses the threshold, and the difference depends on the threshold"
    )
    choices.append(
        f"set `max_fairness_gap` under `gates` to {_above(difference):.2f}: you accept that "
        f"between groups of `{attribute}` the share of churners found, or of stayers "
        f"contacted by mistake, differs by up to {difference:.0%}"
    )
    return choices


def _metric_choices(portfolio: Portfolio, metrics: Mapping[str, float]) -> list[str]:
    if not metrics:
        return []

    gates, choices = portfolio.gates, []
    if metrics["auc"] < gates.min_auc:
        choices.append(
            f"set `min_auc` under `gates` to {_below(metrics['auc']):.2f}: you accept that a "
            f"churner ranks above a stayer in {metrics['auc']:.0%} of pairs; "
            "features that tell more are the better way"
        )

    if metrics["recall"] < gates.min_recall:
        choices.append(
            f"set `min_recall` under `gates` to {_below(metrics['recall']):.2f}: you accept that "
            f"{1 - metrics['recall']:.0%} of the churners are below the threshold"
        )

    if metrics["calibration_error"] > gates.max_calibration_error:
        error = metrics["calibration_error"]
        choices.append(
            f"set `max_calibration_error` under `gates` to {_above(error):.2f}: you accept that "
            f"probabilities are off by {error:.0%} on average; more labelled customers are the "
            "better way"
        )

    return choices


def _above(value: float) -> float:
    """The next hundredth above a value, at most 1."""
    return min(1.0, int(value * 100 + 1) / 100)


def _below(value: float) -> float:
    """The hundredth at or below a value."""
    return int(value * 100) / 100
