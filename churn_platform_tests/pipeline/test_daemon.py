"""The closed loop with a real daemon: files land, and everything else follows by itself."""

import json
import signal
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from dagster import DagsterRunStatus

from churn_platform.graph.run_requests import BECAUSE_TAG, EVIDENCE_TAG
from churn_platform.monitoring.decision import ALARM, FOLLOW_UP
from churn_platform.months import label, month_range, shift
from churn_platform.promotion.rules import PROMOTED, REFUSED
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform_tests.pipeline.daemon_loop import Loop
from churn_platform_tests.support.invariants import invariant

FIRST, LEARNED, QUIET, BROKEN, CHANGED = (date(2025, month, 1) for month in (1, 8, 9, 10, 11))
HARMLESS, LAST = date(2025, 12, 1), date(2026, 3, 1)
WORLDS = {"competitor": (CHANGED, 15), "harmless_mix": (CHANGED, 12), "broken_feed": (BROKEN, 10)}
CUSTOMERS, SEED, CALLS = 15_000, 3, 5


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    """Worlds that share their history up to the month in which one is disturbed; nothing has landed
    yet.
    """
    loop = Loop(tmp_path)
    for scenario, (strikes, months) in WORLDS.items():
        config = SimulationConfig(
            customers=CUSTOMERS,
            months=months,
            seed=SEED,
            calls_per_customer=CALLS,
            scenario=scenario,
            scenario_month=strikes,
        )
        simulate(config, loop.worlds / scenario, tmp_path / "truth" / scenario)
    try:
        yield loop
    finally:
        loop.stop(signal.SIGKILL)
        loop.server.shutdown()
        loop.instance.dispose()


@pytest.mark.slow
@invariant("Monitoring", "The loop closes with a real daemon (`make loop-check`).")
def test_the_loop_closes_by_itself(loop: Loop) -> None:
    """Files land; the rest needs no hand.

    A history is learned from, a quiet month is scored, a broken feed stops and its repair is taken
    in, a harmless change is left alone, and a competitor is noticed, learned and answered; the
    daemon dies in between.
    """
    learn_the_history(loop)
    score_a_quiet_month(loop)
    stop_at_a_broken_month(loop)
    take_in_its_repair(loop)
    leave_a_harmless_change_alone(loop)
    answer_a_competitor(loop)


def learn_the_history(loop: Loop) -> None:
    """Eight months land at once: one training, and the newest month scored by its champion."""
    loop.deliver("competitor", FIRST, LEARNED)
    loop.start()
    loop.wait(
        lambda: loop.runs("scores") == [(LEARNED, LEARNED)], "history learned, newest month scored"
    )
    assert loop.runs("training") == [(LEARNED, LEARNED)]
    assert (loop.live().features_month, loop.scored_by()) == (label(LEARNED), loop.live().champion)


def score_a_quiet_month(loop: Loop) -> None:
    """A month like those before it is scored and watched, nothing else."""
    loop.deliver("competitor", QUIET, QUIET)
    loop.wait(lambda: (QUIET, QUIET) in loop.runs("monitoring"), "a quiet month watched")
    assert loop.live().features_month == label(QUIET)
    assert loop.required() == {QUIET: False}


def stop_at_a_broken_month(loop: Loop) -> None:
    """A month whose calls are missing is neither scored nor decided on, and somebody is told what
    to look at.
    """
    loop.deliver("broken_feed", BROKEN, BROKEN)
    loop.wait(
        lambda: bool(loop.runs("features", DagsterRunStatus.FAILURE)), "a broken month refused"
    )
    assert loop.live().features_month == label(QUIET)
    assert loop.graph.query(
        "select count(*) from telecomit.monthly_scores where month = ?", [BROKEN]
    ) == [(0,)]
    assert any("cdr: rows per customer" in text for text in loop.told)
    assert loop.required() == {QUIET: False}


def take_in_its_repair(loop: Loop) -> None:
    """The daemon is killed, the month delivered again meanwhile, and taken in once the daemon is
    back.
    """
    loop.stop(signal.SIGKILL)
    loop.deliver("competitor", BROKEN, BROKEN)
    loop.start()
    loop.wait(lambda: (BROKEN, BROKEN) in loop.runs("monitoring"), "its repair taken in")
    assert loop.live().features_month == label(BROKEN)


def leave_a_harmless_change_alone(loop: Loop) -> None:
    """Other customers, for whom the model is as right: no training."""
    loop.deliver("harmless_mix", CHANGED, HARMLESS)
    loop.wait(lambda: (CHANGED, HARMLESS) in loop.runs("monitoring"), "a harmless change watched")
    assert not any(loop.required().values())
    assert loop.live().features_month == label(HARMLESS)
    assert loop.runs("training") == [(LEARNED, LEARNED)]


def answer_a_competitor(loop: Loop) -> None:
    """The same months are delivered again, with a competitor in them, and then one by one those
    that follow.

    Flagged at the first matured month and trained every month from then on. The first challengers
    hardly know the new world and are refused; one that knows it is promoted, published, and scores
    the newest month.
    """
    before = loop.live().champion
    deliveries = [
        (CHANGED, HARMLESS),
        *((month, month) for month in month_range(shift(HARMLESS, 1), LAST)),
    ]
    for first, month in deliveries:
        loop.deliver("competitor", first, month)
        loop.wait(
            lambda month=month: (month, month) in loop.runs("training"),
            f"a training of {label(month)}",
        )
        assert loop.scored_by() == loop.live().champion
        if loop.live().champion != before:
            break
    trained = [*month_range(HARMLESS, month)]
    assert loop.required()[
        CHANGED
    ]  # flagged as soon as the first labels of the new world had matured
    assert loop.runs("training")[1:] == [(each, each) for each in trained]
    assert loop.outcomes() == {LEARNED: PROMOTED} | dict.fromkeys(trained, REFUSED) | {
        month: PROMOTED
    }
    assert loop.live().features_month == label(month)
    asked = [run for run in loop.all_runs() if run.job_name == "telecomit_training"][1:]
    evidence = [json.loads(run.tags[EVIDENCE_TAG]) for run in asked]
    assert [(each["month"], each["is_required"]) for each in evidence] == [
        (label(each), True) for each in trained
    ]
    assert [each["cause"] for each in evidence] == [ALARM] + [FOLLOW_UP] * (len(trained) - 1)
    assert all(run.tags[BECAUSE_TAG] for run in asked)
    assert any("training is asked for" in text for text in loop.told)
    assert any("promoted" in text for text in loop.told)
