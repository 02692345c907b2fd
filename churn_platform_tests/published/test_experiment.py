"""An experiment in live.json: it is refused if it makes no sense, and older files do without."""

from pathlib import Path

import msgspec
import pytest

from churn_platform.published.experiment import (
    ExperimentArm,
    alarm_file,
    faults_of,
    two_arms,
)
from churn_platform.published.live_file import Live
from churn_platform_tests.support.trials import TRIAL


def test_a_sound_experiment_has_no_fault():
    """With slices of a tenth, in shadow, and when the challenger answers nearly all."""
    for weight in (0.0, 0.1, 0.5, 0.95):
        arms = two_arms(champion=1, challenger=2, weight=weight)
        trial = msgspec.structs.replace(TRIAL, arms=arms, is_shadow=not weight)
        assert list(faults_of(trial)) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "../up"}, "the name '../up'"),
        ({"salt": ""}, "an empty salt"),
        ({"arms": two_arms(champion=2, challenger=2, weight=0.1)}, "version 2 in both arms"),
        ({"arms": TRIAL.arms[:1]}, "it needs challenger and control"),
        ({"is_shadow": True}, "in shadow"),
        (
            {"arms": (ExperimentArm("control", 1, 0.6), ExperimentArm("challenger", 2, 0.6))},
            "both together at most 1",
        ),
        (
            {
                "arms": (
                    ExperimentArm("control", 1, 0.1),
                    ExperimentArm("challenger", 2, float("nan")),
                )
            },
            "each must be at least 0",
        ),
        ({"false_alarms": 0.0}, "between 0 and 1"),
    ],
)
def test_a_fault_is_named(change, told):
    """Field and value, in a sentence."""
    assert told in "; ".join(faults_of(msgspec.structs.replace(TRIAL, **change)))


def test_each_start_of_an_experiment_has_an_id_of_its_own():
    """Alarms of the last start do not count for the next, and their files have other names."""
    again = msgspec.structs.replace(TRIAL, salt="s2")
    paths = {alarm_file(Path("log"), trial.start_id, "signal") for trial in (TRIAL, again)}
    assert len(paths) == 2
    assert {path.parent for path in paths} == {Path("log/alarms")}


def test_an_older_live_file_has_no_experiment():
    """It is read as before, and a new one gives the experiment back whole."""
    old = b'{"portfolio": "tiny", "models": [], "features_month": null}'
    assert msgspec.json.decode(old, type=Live).experiment is None
    live = Live("tiny", (), None, experiment=TRIAL)
    assert msgspec.json.decode(msgspec.json.encode(live), type=Live) == live
