"""What is told of a first model that may not serve."""

import json
from pathlib import Path
from typing import Any

import pytest

from churn_platform.promotion.refusal import is_refused_first, refusal_text
from churn_platform_tests.support.tiny import TINY

METRICS = {
    "auc": 0.83,
    "recall": 0.7,
    "precision": 0.4,
    "lift_top_decile": 3.0,
    "calibration_error": 0.01,
}


def row(**changes: Any) -> dict[str, Any]:
    """A row of the table `evaluation` that refuses a first challenger; `changes` to its figures."""
    challenger = {"metrics": METRICS, "fairness": None} | changes
    return {
        "outcome": "refused",
        "champion_version": None,
        "reason": "refused: fails a gate",
        "evidence": json.dumps({"challenger": challenger}),
    }


@pytest.mark.parametrize(
    ("found", "is_first"),
    [
        (None, False),
        (row(), True),
        (row() | {"champion_version": 1}, False),
        (row() | {"outcome": "promoted"}, False),
    ],
)
def test_only_a_refusal_without_a_champion_leaves_nothing(found, is_first):
    """Beside a champion a refusal is a month like any other."""
    assert is_refused_first(found) is is_first


def test_a_gap_between_groups_has_three_choices():
    """Leave the feature out, another threshold, or a wider gate with what that means."""
    gap = {"attribute": "plan", "difference": 0.582}
    told = refusal_text(TINY, row(fairness=gap), Path("portfolios/tiny.yaml"))
    assert "refused         fails a gate" in told
    assert "0.830" in told
    assert "take the feature `plan` out of `features`" in told
    assert "set `min_recall`" in told
    assert "set `max_fairness_gap` under `gates` to 0.59" in told
    assert "each in portfolios/tiny.yaml, and then `churn run tiny`" in told


def test_each_failed_gate_is_named_with_what_a_wider_one_means():
    """Only those that failed."""
    weak = METRICS | {"auc": 0.618, "recall": 0.25}
    told = refusal_text(TINY, row(metrics=weak), Path("tiny.yaml"))
    assert "set `min_auc` under `gates` to 0.61" in told
    assert "set `min_recall` under `gates` to 0.25" in told
    assert "max_fairness_gap" not in told
    assert "max_calibration_error" not in told


def test_a_model_without_metrics_is_told_without_figures():
    """Predictions that are no numbers have none."""
    told = refusal_text(TINY, row(metrics=None), Path("tiny.yaml"))
    assert told.strip() == "refused         fails a gate"
