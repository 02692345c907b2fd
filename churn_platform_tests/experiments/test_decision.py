"""An experiment ends in words."""

import pytest

from churn_platform.experiments.decision import MonthResult, decide
from churn_platform_tests.experiments.conftest import spec_of

# 2.84 standard errors of 1 / sqrt(information) are an effect of 0.01 at the planned end.
WHOLE = (2.8414 / 0.01) ** 2


def month(difference: float, *, share: float, distrust: str | None = None) -> MonthResult:
    """A month with this share of the planned information, from 1,000 customers."""
    return MonthResult(difference, 1 / (share * WHOLE), 1_000, distrust)


def test_it_keeps_running_and_says_for_how_long():
    """Two of six months, an effect as hoped: half the bound, four months to go."""
    found = decide(spec_of(), [month(0.01, share=1 / 6)] * 2)
    assert (found.decision, found.months_to_go, found.customers_to_go) == ("keep running", 4, 4_000)
    assert found.verdict.startswith("keep running: 4 months, 4,000 customers to go (auc +0.01, ")
    assert found.low < 0.01 < found.high


def test_a_large_effect_ships_early_and_a_large_harm_stops():
    """At half of the information the bound is 2.96 standard errors."""
    better = decide(spec_of(), [month(0.02, share=0.25)] * 2)
    assert better.decision == "ship"
    assert better.z == pytest.approx(0.02 * (0.5 * WHOLE) ** 0.5)
    assert better.low > 0
    worse = decide(spec_of(), [month(-0.02, share=0.25)] * 2)
    assert worse.decision == "stop"
    assert "the challenger is worse" in worse.verdict


def test_what_can_hardly_be_shown_any_more_stops():
    """Half of the information, and nothing seen."""
    found = decide(spec_of(), [month(-0.004, share=0.25)] * 2)
    assert found.decision == "stop"
    assert (
        "even if an effect of 0.01 were true, the chance to show it by the end is" in found.verdict
    )


def test_the_last_look_spends_what_is_left_and_ends_it():
    """Six small months: less information than planned, all of the error spent."""
    spec = spec_of(criteria={"futility": 0.0})
    found = decide(spec, [month(0.005, share=0.1)] * 6)
    assert found.decision == "stop"
    assert "the last look has not shown it to be better" in found.verdict
    assert found.look.alpha_spent == 0.05


def test_an_experiment_may_ask_for_no_harm():
    """A cheaper model need not be better: no loss of the smallest effect is enough."""
    spec = spec_of(criteria={"ship": "not_worse"})
    assert decide(spec, [month(0.0, share=0.1)]).decision == "keep running"
    found = decide(spec, [month(0.0, share=0.6)] * 2)
    assert found.decision == "ship"
    assert "not worse by 0.01 or more" in found.verdict


def test_a_month_that_cannot_be_believed_does_not_count():
    """Nor does it make a look."""
    bad = month(0.5, share=0.5, distrust="sample ratio mismatch")
    assert decide(spec_of(), [bad]) is None
    good = month(0.01, share=0.2)
    alone, beside = decide(spec_of(), [good]), decide(spec_of(), [good, bad])
    assert (alone.estimate, alone.look) == (beside.estimate, beside.look)
