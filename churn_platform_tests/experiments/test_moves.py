"""An experiment is on record before it is live, and takes each step in its time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from churn_platform.errors import ExperimentError, PromotionError
from churn_platform.experiments import moves
from churn_platform.experiments.ladder import Progress
from churn_platform.experiments.responses import answer_troubles
from churn_platform.experiments.state import read_state
from churn_platform.promotion.rollback import roll_back
from churn_platform.published.assignment import assigned_arm
from churn_platform.published.live_file import read_live
from churn_platform_tests.experiments.conftest import spec_of

# What the model is matters to none of these tests: one algorithm, not each of them.
pytestmark = pytest.mark.parametrize("model", ["logistic_regression"], indirect=True)
SEEN = Progress(customers=5_000, answers=(2_500, 2_500))


@pytest.fixture
def own(publisher, serve):
    """A spec for the publisher's portfolio, whose champion is version 2; version 1 is on trial."""
    serve(1, 2)
    return spec_of(portfolio=publisher.portfolio.name, versions={"challenger": 1})


def later(publisher, hours: float):
    """The same publisher, so many hours on."""
    now = publisher.audit.now
    clock = replace(publisher.audit, now=lambda: now() + timedelta(hours=hours))
    return replace(publisher, audit=clock)


def live_of(publisher):
    """The experiment that is live."""
    return read_live(publisher.root).experiment


def test_it_climbs_the_ladder_and_customers_keep_their_arm(publisher, own):
    """Shadow, slice, ramp: each on record, and nobody of the slice leaves the challenger."""
    moves.start(publisher, own, reason="trial")
    assert (live_of(publisher).step, live_of(publisher).is_shadow) == ("shadow", True)
    moves.advance(later(publisher, 30), own, SEEN, reason="quiet")
    of_slice = live_of(publisher)
    seen = replace(SEEN, last_answer_at=publisher.audit.now() + timedelta(hours=100))
    moves.advance(later(publisher, 100), own, seen, reason="looked at it", approves=True)
    of_ramp = live_of(publisher)
    assert (of_slice.challenger.weight, of_ramp.challenger.weight) == (0.05, 0.5)

    customers = [f"C{number}" for number in range(400)]
    of_challenger = [it for it in customers if assigned_arm(of_slice, it) == "challenger"]
    assert of_challenger
    assert {assigned_arm(of_ramp, it) for it in of_challenger} == {"challenger"}
    state = read_state(publisher.audit.records(), own.name)
    assert (state.step.name, state.approved) == ("ramp", ("ramp",))
    start = publisher.audit.records()[-3]
    assert start.details["spec_sha256"] == own.sha256


def test_a_step_that_lacks_hours_or_approval_changes_nothing(publisher, own):
    """Neither in the trail nor live."""
    moves.start(publisher, own, reason="trial")
    before = len(publisher.audit.records())
    with pytest.raises(ExperimentError, match="stays at shadow: step shadow has lasted 0"):
        moves.advance(publisher, own, SEEN, reason="hurry", approves=True)
    assert len(publisher.audit.records()) == before
    assert live_of(publisher).step == "shadow"


def test_a_change_of_the_spec_is_a_new_experiment(publisher, own):
    """The file is compared with what was frozen; a name is used once."""
    moves.start(publisher, own, reason="trial")
    changed = own.model_copy(update={"smallest_effect": 0.001})
    with pytest.raises(ExperimentError, match=f"another spec .{own.sha256[:12]}"):
        moves.advance(later(publisher, 30), changed, SEEN, reason="quiet")
    with pytest.raises(ExperimentError, match=r"was started before .running.; a further one needs"):
        moves.start(publisher, own, reason="again")
    other = own.model_copy(update={"name": "second"})
    with pytest.raises(ExperimentError, match="two at a time would hide each other"):
        moves.start(publisher, other, reason="trial")


def test_what_a_kill_cut_short_is_completed_by_the_next_move(publisher, own, monkeypatch):
    """The record is there, live.json is not: the service sees it with the next command."""
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(moves, "carry_out", _killed)
        moves.start(publisher, own, reason="trial")
    assert live_of(publisher) is None
    moves.pause(publisher, own, reason="a holiday")
    assert live_of(publisher).is_paused


def _killed(*_):
    raise KeyboardInterrupt


def test_the_end_gives_the_champion_all_customers_again(publisher, own):
    """Stopped once, it takes no further step; the same again is no new record."""
    moves.start(publisher, own, reason="trial")
    for _ in range(2):
        moves.end(publisher, own, reason="enough")
    assert live_of(publisher) is None
    assert [model.weight for model in read_live(publisher.root).models] == [1.0]
    assert [it.details.get("event") for it in publisher.audit.records()].count("stopped") == 1
    with pytest.raises(ExperimentError, match=r"has ended: stopped .enough."):
        moves.resume(publisher, own, reason="go on")


def test_a_champion_of_another_way_ends_the_comparison(publisher, own):
    """A rollback brings version 1 back; the experiment can only be stopped."""
    moves.start(publisher, own, reason="trial")
    roll_back(publisher, to=None, reason="complaints")
    with pytest.raises(ExperimentError, match="compares with version 2, but version 1 became"):
        moves.pause(publisher, own, reason="wait")
    moves.end(publisher, own, reason="rolled back")
    assert read_live(publisher.root).champion == 1


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        ({"control": 1, "challenger": 3}, "control is version 1, but version 2 is the champion"),
        ({"challenger": 2}, "both version 2"),
        ({"challenger": "xgboost"}, "has no version of xgboost"),
    ],
)
def test_versions_that_cannot_be_compared_are_refused(publisher, own, versions, message):
    """Before anything is on record."""
    spec = spec_of(portfolio=own.portfolio, versions=versions)
    before = len(publisher.audit.records())
    with pytest.raises(ExperimentError, match=message):
        moves.start(publisher, spec, reason="trial")
    assert len(publisher.audit.records()) == before


def test_no_experiment_without_a_reason(publisher, own):
    """It goes into the trail."""
    with pytest.raises(PromotionError, match="say why"):
        moves.start(publisher, own, reason=" ")


@pytest.mark.parametrize("wanted", ["pause", "stop"])
def test_a_mismatch_of_the_split_does_what_the_spec_says(publisher, own, wanted):
    """Paused or stopped, with the reason on record; the same again does nothing."""
    spec = own.model_copy(update={"sample_ratio_mismatch": wanted})
    moves.start(publisher, spec, reason="trial")
    progress = Progress(answers=(500, 900), ratio_p_value=1e-9)
    done = []
    for _ in range(2):
        state = read_state(publisher.audit.records(), spec.name)
        done.append(answer_troubles(publisher, state, progress))
    assert f"experiment boosting was {wanted}" in done[0]
    assert "sample ratio mismatch, p = 1e-09" in done[0]
    assert done[1] is None
    state = read_state(publisher.audit.records(), spec.name)
    assert state.status == {"pause": "paused", "stop": "stopped"}[wanted]
