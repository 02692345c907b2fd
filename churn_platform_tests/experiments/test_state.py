"""The audit trail says how far an experiment has come."""

from churn_platform.experiments.state import read_state, running_of
from churn_platform_tests.experiments.conftest import records_of, spec_of

SLICE = {"event": "advanced", "step": "slice", "approved": False}
RAMP = {"event": "advanced", "step": "ramp", "approved": True}


def test_the_state_is_what_its_records_leave(spec):
    """Two steps, a pause and its end."""
    records = records_of(spec, SLICE, {"event": "paused"}, {"event": "resumed"}, RAMP)
    state = read_state(records, "boosting")
    assert (state.step.name, state.status, state.approved) == ("ramp", "running", ("ramp",))
    assert state.since == records[-1].at
    assert read_state(records, "other") is None


def test_what_the_service_sees_is_the_step(spec):
    """In shadow no arm has a share; later control and challenger have the same."""
    shadow = read_state(records_of(spec), "boosting").live
    assert shadow.is_shadow
    assert (shadow.control.weight, shadow.challenger.weight) == (0.0, 0.0)
    of_slice = read_state(records_of(spec, SLICE), "boosting").live
    assert (of_slice.control.weight, of_slice.challenger.weight) == (0.05, 0.05)
    assert of_slice.spec_hash == spec.sha256
    assert of_slice.salt == shadow.salt


def test_an_ended_experiment_runs_no_more(spec):
    """Stopped, dropped and shipped alike; a paused one goes on to assign customers."""
    for event in ("stopped", "dropped", "shipped"):
        assert running_of(records_of(spec, {"event": event}), "tiny") == []

    paused = running_of(records_of(spec, {"event": "paused"}), "tiny")
    assert [state.live.is_paused for state in paused] == [True]
    assert running_of(records_of(spec_of()), "other") == []
