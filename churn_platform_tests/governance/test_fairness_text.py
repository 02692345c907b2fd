"""What the fairness report says in words."""

from churn_platform.governance.fairness_text import verdict
from churn_platform.metrics.fairness import (
    worst_gap,
)
from churn_platform_tests.metrics.conftest import GATES, measured

COUNTS = {"north": (6, 2, 3, 9), "south": (3, 3, 6, 8)}


def test_one_judged_group_cannot_be_compared():
    """With everyone in one group there is no difference, and the gate judges nothing."""
    alone = measured({"north": (6, 2, 3, 9)})
    assert alone[0].equalized_odds_difference is None
    assert worst_gap(alone) is None
    assert worst_gap([]) is None
    assert "judges nothing" in verdict(alone, GATES)


def test_the_verdict_names_gap_and_gate():
    """0.25 is within a gate of 0.3 and above one of 0.2."""
    area = measured(COUNTS)
    assert (
        verdict(area, GATES) == "Largest equalized-odds difference 0.2500, within the gate of 0.3."
    )
    strict = GATES.model_copy(update={"max_fairness_gap": 0.2})
    assert (
        verdict(area, strict) == "Largest equalized-odds difference 0.2500, above the gate of 0.2."
    )
