"""The printed result of a portfolio."""

from types import SimpleNamespace
from typing import Any, cast

from churn_platform.cli.result import HEADLINES, Result, as_text
from churn_platform.published.format import ModelManifest
from churn_platform_tests.support.tiny import TINY

SUMMARY = {"contacts": 19, "control": 1, "cost_eur": 665, "expected_profit_eur": 100}


def printed(tmp_path: Any, hand_over: str) -> str:
    """The result of a version with a list."""
    manifest = SimpleNamespace(
        version=3,
        algorithm="xgboost",
        training_months=("2025-01",),
        holdout_month="2025-02",
        metrics=dict.fromkeys(HEADLINES, 0.5) | {"customers": 20, "churn_rate": 0.1},
    )
    result = Result(
        manifest=cast(ModelManifest, manifest),
        scores_month="2025-03",
        customers=20,
        highest_risk=[],
        campaign=SUMMARY,
        hand_over=hand_over,
        true_auc=None,
    )
    return as_text(TINY, result, tmp_path)


def test_a_list_that_is_held_back_says_so(tmp_path):
    """Who asks for the result must not look for a file that is not there."""
    words = "held back, made by model version 3: outcomes of 2025-03: AUC at least 0.200 below"
    lines = printed(tmp_path, words).splitlines()
    (place,) = (number for number, line in enumerate(lines) if "19 to contact" in line)
    assert lines[place + 1].strip() == words
