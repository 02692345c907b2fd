"""Experiments on real processes: up the whole ladder, and four challengers that do harm.

Run it with `make experiment-check`; figures are in docs/experiments.md.
"""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from churn_platform.experiments import moves
from churn_platform.experiments.alarms import answer_alarms
from churn_platform.experiments.ladder import Progress
from churn_platform.experiments.spec import ExperimentSpec
from churn_platform.experiments.state import DROPPED, SHIPPED, read_state
from churn_platform.promotion.champion import changing, decide
from churn_platform.promotion.publication import Publisher, make_live, ready_bundle
from churn_platform.published.assignment import assigned_arm
from churn_platform.published.experiment import GUARDRAIL, LiveExperiment, alarm_file
from churn_platform.published.format import SHADOW
from churn_platform.published.live_file import go_live, read_live
from churn_platform.published.prediction_log import Prediction, read_segment
from churn_platform.training.model import ChurnModel
from churn_platform_tests.experiments.conftest import spec_of
from churn_platform_tests.promotion.conftest import judged, publisher
from churn_platform_tests.support.bad_challengers import spoil
from churn_platform_tests.support.load import answers_of, asked_all_the_time, is_at, stats
from churn_platform_tests.support.processes import serving
from churn_platform_tests.support.served_bundles import (
    MONTH,
    PEOPLE,
    publish_month,
    publish_version,
)
from churn_platform_tests.support.waiting import eventually

__all__ = ["publisher"]

pytestmark = pytest.mark.slow
IDS = [str(name) for name in PEOPLE.customer_ids]
WORKERS = 2
DROP_SECONDS = 5.0
STEPS = [
    {"name": "shadow", "weight": 0.0, "least_hours": 0},
    {"name": "slice", "weight": 0.1, "least_hours": 0},
    {"name": "ramp", "weight": 0.5, "least_hours": 0, "approval": True},
]
EXPECTED = {
    "slow": "p99_latency_ms",
    "constant": "same_scores",
    "wrong threshold": "decision_shift",
    "errors": "error_rate",
}


@pytest.fixture
def platform(publisher: Publisher, booster: ChurnModel, linear: ChurnModel) -> Publisher:
    """Version 1 is champion and has scored the month; version 2 is published."""
    own = replace(publisher, root=publisher.root / publisher.portfolio.name)
    publish_version(own.root, 1, booster)
    promote(own, 1, None)
    publish_month(own.root, booster, scored_by=1)
    go_live(own.root, own.portfolio.name, features_month=MONTH)
    publish_version(own.root, 2, linear)
    return own


def promote(own: Publisher, version: int, before: int | None) -> None:
    """Make a version champion, on record."""
    name = own.portfolio.name
    decide(own.client, own.audit, name, judged(version, before))
    with changing(own.client, own.audit, name):
        make_live(own, ready_bundle(own, version), reason="run")


def experiment_of(own: Publisher) -> ExperimentSpec:
    """Version 2 against the champion, in steps that need not be waited for."""
    return spec_of(portfolio=own.portfolio.name, steps=STEPS)


def live_experiment(own: Publisher) -> LiveExperiment | None:
    """The experiment in live.json."""
    live = read_live(own.root)
    return live.experiment if live else None


def logged(folder: Path) -> list[Prediction]:
    """Every logged prediction, of segments that are closed or still open."""
    paths = [*folder.glob("*.seg"), *folder.glob("*.open")]
    return [record for path in paths for record in read_segment(path)]


@pytest.mark.parametrize("way", EXPECTED)
def test_a_bad_challenger_is_dropped_within_seconds(platform: Publisher, tmp_path: Path, way: str):
    """No request fails, it is on record, and the champion answers everyone as before."""
    spoil(platform.root, 2, way)
    name, spec = platform.portfolio.name, experiment_of(platform)
    log = tmp_path / "state" / "log" / name
    with serving(tmp_path, workers=WORKERS) as port:
        # Without a load yet: its shadow would betray it before it has a customer.
        moves.start(platform, spec, reason="trial")
        moves.advance(platform, spec, Progress(customers=1), reason="at once")
        started = live_experiment(platform)
        assert started is not None
        path = alarm_file(log, started.start_id, GUARDRAIL)
        eventually(lambda: is_at(stats(port, name), "slice"))
        time.sleep(0.5)  # the other worker takes it live, too
        with asked_all_the_time(port, name, IDS) as load:
            begun = time.monotonic()
            eventually(path.exists)
            dropped = time.monotonic() - begun
            eventually(lambda: stats(port, name)["experiment"]["dropped"] is not None)
            time.sleep(1.0)  # the other worker follows at its next look
            followed = max(dropped, load.last_of(2) - begun)
            told = answer_alarms(platform, log)
            eventually(lambda: stats(port, name)["experiment"] is None)
            settled = time.monotonic()
            eventually(lambda: load.last_of(1) > settled)

        alarm = json.loads(path.read_text())
        print(
            f"\n{way}: by {alarm['watched']} after {alarm['answers']} answers; dropped after "
            f"{dropped:.1f} s, by all workers after {followed:.1f} s; {len(load.answers)} answers, "
            f"{len(load.failures)} failures; p99 of the champion {load.p99_ms(1):.0f} ms"
        )
    assert load.failures == []
    assert alarm["watched"] == EXPECTED[way]
    assert followed < DROP_SECONDS
    assert load.versions(since=settled) == {1}
    assert len(told) == 1
    state = read_state(platform.audit.records(), spec.name)
    assert state is not None
    assert state.status == DROPPED
    live = read_live(platform.root)
    assert live is not None
    assert (live.champion, live.experiment, len(live.models)) == (1, None, 1)


def test_a_sound_challenger_climbs_the_ladder(platform: Publisher, tmp_path: Path):
    """Shadow, slice, ramp, champion: each customer stays with an arm while its weight grows, counts
    survive a restart of the service, and no request fails.
    """
    name, spec = platform.portfolio.name, experiment_of(platform)
    log = tmp_path / "state" / "log" / name
    seen = Progress(customers=10_000, last_answer_at=platform.audit.now())
    failures: list[str] = []
    with serving(tmp_path, workers=WORKERS) as port, asked_all_the_time(port, name, IDS) as load:
        moves.start(platform, spec, reason="trial")
        eventually(lambda: answers_of(stats(port, name), "challenger") > 200)
        assert load.versions() == {1}
        for step in ("slice", "ramp"):
            moves.advance(platform, spec, seen, reason="quiet", approves=True)
            eventually(lambda step=step: is_at(stats(port, name), step))
            eventually(lambda: answers_of(stats(port, name), "challenger") > 100)
        before = answers_of(stats(port, name), "challenger")
        failures += load.failures
    trial = live_experiment(platform)
    assert trial is not None

    with serving(tmp_path, workers=WORKERS) as port, asked_all_the_time(port, name, IDS) as load:
        eventually(lambda: len(load.answers) > 100)
        after = answers_of(stats(port, name), "challenger")
        assert stats(port, name)["experiment"]["dropped"] is None
        promote(platform, 2, 1)
        moves.end(platform, spec, reason="better", event=SHIPPED)
        eventually(lambda: stats(port, name)["experiment"] is None)
        settled = time.monotonic()
        eventually(lambda: load.last_of(2) > settled)
        failures += load.failures
    print(f"\nladder: {before} answers of the challenger before a restart, then {after}")
    assert failures == []
    assert after >= before
    assert load.versions(since=settled) == {2}
    state = read_state(platform.audit.records(), spec.name)
    assert state is not None
    assert state.status == SHIPPED
    check_log(logged(log), trial)


def check_log(records: list[Prediction], trial: LiveExperiment) -> None:
    """Every logged arm is that of the hash, and nobody who had the challenger has left it."""
    dealt = [one for one in records if one.experiment_arm and one.arm != SHADOW]
    assert {one.experiment_arm for one in dealt} == {"challenger", "control"}
    treated = set()
    for one in sorted(dealt, key=lambda record: record.at_us):
        customer = str(one.customer_id)
        assert assigned_arm(trial, customer) == one.experiment_arm
        if one.experiment_arm == "challenger":
            treated.add(customer)
        assert (customer in treated) == (one.experiment_arm == "challenger")
