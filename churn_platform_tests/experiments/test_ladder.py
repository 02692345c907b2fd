"""A step is as long as its spec says."""

from datetime import timedelta

import pytest

from churn_platform.experiments.ladder import Progress, obstacles, response
from churn_platform.experiments.state import read_state
from churn_platform_tests.experiments.conftest import BEGIN, records_of, spec_of

SLICE = {"event": "advanced", "step": "slice", "approved": False}
LATE = BEGIN + timedelta(hours=200)


def test_neither_hours_nor_customers_nor_an_approval_are_waived(spec):
    """Each obstacle is named, with what is there and what is wanted."""
    state = read_state(records_of(spec), "boosting")
    early = BEGIN + timedelta(hours=6)
    found = obstacles(state, Progress(customers=40), now=early, approves=True)
    assert found == [
        "step shadow has lasted 6.0 of 24 hours",
        "the challenger has scored 40 of 100 customers",
    ]
    assert obstacles(state, Progress(customers=100), now=LATE, approves=False) == []


def test_a_step_with_approval_waits_for_it(spec):
    """The approval is of the step that begins."""
    state = read_state(records_of(spec, SLICE, hours=100), "boosting")
    progress = Progress(customers=1_000, answers=(50, 50), last_answer_at=LATE)
    found = obstacles(state, progress, now=LATE, approves=False)
    assert found == ["step ramp needs an approval; look at it, then add --approve"]
    assert obstacles(state, progress, now=LATE, approves=True) == []


def test_a_paused_experiment_takes_no_step(spec):
    """Until it is resumed."""
    state = read_state(records_of(spec, {"event": "paused"}), "boosting")
    found = obstacles(state, Progress(customers=100), now=LATE, approves=True)
    assert found == ["it is paused (trial); `churn experiment resume` ends that"]


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (Progress(ratio_p_value=1e-5, last_answer_at=LATE), "sample ratio mismatch, p = 1e-05"),
        (Progress(two_arms=3, last_answer_at=LATE), "3 customers met both arms"),
        (Progress(wrong_arm=2, last_answer_at=LATE), "2 answers came from another arm"),
        (Progress(), "no answer in either slice for 24 hours"),
        (Progress(alarms=("version 2 is slow",), last_answer_at=LATE), "version 2 is slow"),
    ],
)
def test_figures_that_cannot_be_believed_stop_the_ladder(progress, said):
    """And the spec says whether that pauses or stops it."""
    strict = spec_of(
        sample_ratio_mismatch="stop", no_traffic={"hours": 24, "response": "stop"}, alpha=0.1
    )
    for spec, wanted in ((spec_of(), "pause"), (strict, "stop")):
        state = read_state(records_of(spec, SLICE), "boosting")
        assert any(said in each for each in obstacles(state, progress, now=LATE, approves=True))
        found = response(state, progress, now=LATE)
        assert found == ("pause" if progress.alarms else wanted)


def test_without_trouble_there_is_nothing_to_do(spec):
    """In shadow no slice has answers, and that is no trouble."""
    state = read_state(records_of(spec), "boosting")
    assert response(state, Progress(), now=LATE) is None
