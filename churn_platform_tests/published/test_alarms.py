"""What one worker says of an experiment, the others and the daemon read."""

import pytest

from churn_platform.published.alarms import dropped_by, read_alarm, write_alarm
from churn_platform.published.experiment import GUARDRAIL, SIGNAL, Alarm, alarm_file
from churn_platform_tests.support.trials import TRIAL, trial_of

ALARM = Alarm(
    portfolio="tiny",
    experiment="trial",
    spec_hash="h",
    start_id=TRIAL.start_id,
    version=2,
    kind=GUARDRAIL,
    watched="error_rate",
    limit=0.02,
    difference=1.0,
    at_least=0.5,
    answers=(10, 12),
    at_us=7,
    worker="w1",
)


def test_an_alarm_comes_back_for_its_start_alone(tmp_path):
    """Neither another start of the experiment nor a signal has to do with it."""
    write_alarm(tmp_path, ALARM)
    assert dropped_by(tmp_path, TRIAL) == ALARM
    assert dropped_by(tmp_path, trial_of(0.1, salt="s2")) is None
    assert read_alarm(tmp_path, TRIAL, SIGNAL) is None
    assert dropped_by(tmp_path, None) is None


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff"])
def test_a_damaged_alarm_is_found_anew(tmp_path, damage):
    """What led to it is still counted."""
    write_alarm(tmp_path, ALARM)
    alarm_file(tmp_path, TRIAL.start_id, GUARDRAIL).write_bytes(damage)
    assert dropped_by(tmp_path, TRIAL) is None


def test_an_alarm_is_a_sentence():
    """With the version, what was watched, and by how much it is off."""
    assert str(ALARM) == (
        "version 2: error_rate is off the control's by +1, by at least 0.5; 0.02 is allowed "
        "(10 answers against 12)"
    )
