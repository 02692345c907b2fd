"""Experiments as the page shows them."""

from churn_platform.experiments.outcome import COLUMNS, NAME, replace_experiment_rows
from churn_platform.read_model.experiment_rows import experiment_rows
from churn_platform_tests.experiments.conftest import connection, records_of, spec_of
from churn_platform_tests.support.tiny import JANUARY, TINY

__all__ = ["connection"]


def test_a_running_experiment_tells_its_step_and_what_the_next_one_needs(connection):
    """Advanced once, by hand: 5 % of the customers, and a person must approve the ramp."""
    spec = spec_of()
    moved = {"event": "advanced", "step": "slice", "approved": False}
    (row,) = experiment_rows(connection, TINY, records_of(spec, moved))
    assert (row["name"], row["status"], row["step"]) == ("boosting", "running", "slice")
    assert (row["control"], row["challenger"], row["weight"]) == (1, 2, 0.05)
    assert (row["next_step"], row["needs_approval"]) == ("ramp", True)
    assert row["decision"] is None


def test_an_experiment_that_ended_tells_the_decision(connection):
    """What it was decided on; nothing follows."""
    ended = {"event": "shipped", "verdict": "it earns more"}
    (row,) = experiment_rows(connection, TINY, records_of(spec_of(), ended))
    assert (row["status"], row["decision"]) == ("shipped", "it earns more")
    assert (row["next_step"], row["needs_approval"]) == (None, False)


def test_another_portfolio_s_experiments_are_not_shown(connection):
    """Nor is anything else of the trail."""
    other = TINY.model_copy(update={"name": "other"})
    assert experiment_rows(connection, other, records_of(spec_of())) == []


def test_a_running_experiment_tells_what_its_outcomes_say_so_far(connection):
    """By the table of its primary metric."""
    spec = spec_of()
    said = {"spec_sha256": spec.sha256, "verdict": "keep running: 2 months to go"}
    row = dict.fromkeys(COLUMNS) | {"month": JANUARY, "experiment": spec.name} | said
    replace_experiment_rows(connection, f"tiny.{NAME}", COLUMNS, JANUARY, spec.name, [row])
    (shown,) = experiment_rows(connection, TINY, records_of(spec))
    assert shown["decision"] == "keep running: 2 months to go"
