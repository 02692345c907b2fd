"""Experiments as the page shows them."""

from churn_platform.read_model.experiment_rows import experiment_rows
from churn_platform_tests.experiments.conftest import records_of, spec_of


def test_a_running_experiment_tells_its_step_and_what_the_next_one_needs():
    """Advanced once, by hand: 5 % of the customers, and a person must approve the ramp."""
    spec = spec_of()
    moved = {"event": "advanced", "step": "slice", "approved": False}
    (row,) = experiment_rows(records_of(spec, moved), "tiny")
    assert (row["name"], row["status"], row["step"]) == ("boosting", "running", "slice")
    assert (row["control"], row["challenger"], row["weight"]) == (1, 2, 0.05)
    assert (row["next_step"], row["needs_approval"]) == ("ramp", True)
    assert row["decision"] is None


def test_an_experiment_that_ended_tells_the_decision():
    """What it was decided on; nothing follows."""
    ended = {"event": "shipped", "verdict": "it earns more"}
    (row,) = experiment_rows(records_of(spec_of(), ended), "tiny")
    assert (row["status"], row["decision"]) == ("shipped", "it earns more")
    assert (row["next_step"], row["needs_approval"]) == (None, False)


def test_another_portfolio_s_experiments_are_not_shown():
    """Nor is anything else of the trail."""
    assert experiment_rows(records_of(spec_of()), "other") == []
