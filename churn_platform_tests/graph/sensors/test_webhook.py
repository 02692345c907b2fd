"""What people are told, and that no address or customer is in it."""

from datetime import date

from churn_platform.graph.sensors.webhook import (
    decision_message,
    evaluation_message,
    failure_message,
    post,
)
from churn_platform_tests.support.tiny import TINY

MONTH = date(2026, 3, 1)
QUIET = {
    "month": MONTH,
    "retraining_required": False,
    "severity": "quiet",
    "reasons": ["nothing has drifted"],
    "drifted_features": [],
}


def test_a_quiet_month_is_no_message():
    """A notable one is, and one that asks for a training says so with what drifted."""
    assert decision_message(TINY, QUIET) is None
    notable = decision_message(TINY, QUIET | {"severity": "notable"})
    assert notable == f"*{TINY.title}*, 2026-03: notable drift, no training: nothing has drifted"
    asked = QUIET | {"retraining_required": True, "reasons": ["a", "b"], "drifted_features": ["x"]}
    told = decision_message(TINY, asked)
    assert told == f"*{TINY.title}*, 2026-03: training is asked for: a; b\ndrifted: x"


def test_an_evaluation_says_what_became_of_the_version():
    """With its reason."""
    row = {"month": MONTH, "is_promoted": False, "challenger_version": 4, "reason": "not better"}
    told = evaluation_message(TINY, row)
    assert told == f"*{TINY.title}*, 2026-03: version 4 not promoted: not better"


def test_examples_of_a_failure_stay_out():
    """They may be a customer's; what is wrong stays."""
    told = failure_message(
        "tiny_features", "run 1", "2026-03", "3 ids twice, e.g. 'C1', 'C2'; stop"
    )
    assert told == "*tiny_features* failed for 2026-03: 3 ids twice; stop\nrun run 1"


def test_an_address_that_cannot_be_reached_is_not_quoted():
    """It is a secret; only the kind of error is told."""
    told = post("http://127.0.0.1:9/secret-token", "text", timeout_seconds=1)
    assert told is not None
    assert told.startswith("the webhook could not be reached: ")
    assert "secret" not in told
    assert "secret" not in str(post("no address secret", "text", timeout_seconds=1))
