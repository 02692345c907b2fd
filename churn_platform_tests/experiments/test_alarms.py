"""What a service found of a challenger becomes official: once, on record, and in live.json."""

import msgspec
import pytest

from churn_platform.experiments import moves
from churn_platform.experiments.alarms import answer_alarms, fetch_alarms
from churn_platform.experiments.state import DROPPED, PAUSED, read_state
from churn_platform.published.alarms import write_alarm
from churn_platform.published.experiment import GUARDRAIL, SIGNAL
from churn_platform.published.live_file import read_live
from churn_platform.storage.opening import open_store
from churn_platform_tests.experiments.conftest import spec_of
from churn_platform_tests.published.test_alarms import ALARM

pytestmark = pytest.mark.parametrize("model", ["logistic_regression"], indirect=True)


@pytest.fixture
def own(publisher, serve):
    """A running experiment of version 1 against champion 2."""
    serve(1, 2)
    spec = spec_of(portfolio=publisher.portfolio.name, versions={"challenger": 1})
    moves.start(publisher, spec, reason="trial")
    return spec


def say(publisher, log, kind: str) -> None:
    """A worker of the service says it of this start."""
    start = read_live(publisher.root).experiment.start_id
    write_alarm(log, msgspec.structs.replace(ALARM, start_id=start, kind=kind))


def test_a_dropped_challenger_ends_its_experiment_once(publisher, own, tmp_path):
    """The alarm is the reason on record, and the champion has everyone."""
    log = tmp_path / "log"
    assert answer_alarms(publisher, log) == []
    say(publisher, log, GUARDRAIL)
    (told,) = answer_alarms(publisher, log)
    assert told.startswith(f"experiment {own.name} has ended: version 2: error_rate")
    assert answer_alarms(publisher, log) == []
    state = read_state(publisher.audit.records(), own.name)
    assert (state.status, state.last.details["alarm"]["watched"]) == (DROPPED, "error_rate")
    live = read_live(publisher.root)
    assert (live.experiment, len(live.models)) == (None, 1)


def test_a_signal_pauses_once_and_a_person_who_resumes_is_not_contradicted(
    publisher, own, tmp_path
):
    """The customers stay with their arms."""
    log = tmp_path / "log"
    say(publisher, log, SIGNAL)
    assert len(answer_alarms(publisher, log)) == 1
    assert read_state(publisher.audit.records(), own.name).status == PAUSED
    assert read_live(publisher.root).experiment.is_paused
    assert answer_alarms(publisher, log) == []
    moves.resume(publisher, own, reason="looked at it")
    assert answer_alarms(publisher, log) == []
    assert not read_live(publisher.root).experiment.is_paused


def test_alarms_of_other_hosts_are_fetched(publisher, own, tmp_path):
    """From the store that services ship to; without one there are none."""
    there, here = tmp_path / "store" / own.portfolio, tmp_path / "log"
    fetch_alarms(None, own.portfolio, here)
    say(publisher, there, GUARDRAIL)
    store = open_store(tmp_path / "store", setting="CHURN_STORE")
    for _ in range(2):
        fetch_alarms(store, own.portfolio, here)
    assert len(answer_alarms(publisher, here)) == 1
