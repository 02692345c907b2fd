"""Shipping needs the last step, a decision, and every promotion gate."""

from dataclasses import replace
from datetime import timedelta

import pytest

from churn_platform.errors import ExperimentError, PromotionError
from churn_platform.experiments import moves, ship
from churn_platform.experiments.ladder import Progress
from churn_platform.experiments.state import read_state
from churn_platform.published.live_file import read_live
from churn_platform.warehouse.lake import connect
from churn_platform_tests.experiments.conftest import spec_of

pytestmark = pytest.mark.parametrize("model", ["logistic_regression"], indirect=True)
SHIP = {"decision": "ship", "verdict": "ship: the challenger is better (auc +0.02)"}
METRICS = {
    "auc": 0.9,
    "average_precision": 0.5,
    "recall": 0.9,
    "precision": 0.5,
    "contacted_share": 0.2,
    "lift_top_decile": 3.0,
    "capture_top_decile": 0.3,
    "brier": 0.1,
    "calibration_error": 0.01,
    "empc_eur": 1.0,
    "campaign_profit_eur": 1.0,
    "churn_rate": 0.1,
    "customers": 1_000,
}


def evidence(**challenger):
    """The evidence of an evaluation whose challenger passes every gate, but for what is given."""
    usual = {
        "metrics": METRICS,
        "degenerate": None,
        "barred": None,
        "fairness": None,
        "export": {"latency_ms": 1.0},
    }
    return {"challenger": usual | challenger}


@pytest.fixture
def own(publisher, serve):
    """One step in shadow: version 1 on trial, version 2 the champion."""
    serve(1, 2)
    steps = [{"name": "shadow", "weight": 0.0, "least_hours": 24}]
    spec = spec_of(portfolio=publisher.portfolio.name, versions={"challenger": 1}, steps=steps)
    moves.start(publisher, spec, reason="trial")
    return spec


@pytest.fixture
def later(publisher):
    """The same publisher a day on."""
    now = publisher.audit.now
    clock = replace(publisher.audit, now=lambda: now() + timedelta(hours=25))
    return replace(publisher, audit=clock)


def judged(monkeypatch, found):
    """The newest evaluation of the challenger."""
    row = {"month": "2025-03", "evidence": found}
    monkeypatch.setattr(ship, "_newest_evaluation", lambda *_: row)


def test_a_challenger_that_passes_becomes_champion_and_the_experiment_ends(later, own, monkeypatch):
    """The promotion names the experiment and its verdict; live.json has no experiment any more."""
    judged(monkeypatch, evidence())
    taken = ship.ship(later, own, SHIP, Progress(), reason="it earned it")
    assert (taken.record.action, taken.record.version) == ("promotion", 1)
    assert taken.record.details["experiment"] == own.name
    assert taken.record.details["earned"] == SHIP["verdict"]
    live = read_live(later.root)
    assert (live.champion, live.previous, live.experiment) == (1, 2, None)
    state = read_state(later.audit.records(), own.name)
    assert (state.status, state.last.details["verdict"]) == ("shipped", SHIP["verdict"])


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"metrics": METRICS | {"auc": 0.5}}, "it fails AUC 0.5000 <"),
        ({"barred": "its export differs"}, "it fails its export differs"),
        ({"export": {"latency_ms": 500.0}}, "latency 500.0 ms"),
    ],
)
def test_a_gate_that_fails_keeps_the_champion(later, own, monkeypatch, found, message):
    """However good the experiment was."""
    judged(monkeypatch, evidence(**found))
    with pytest.raises(PromotionError, match=message):
        ship.ship(later, own, SHIP, Progress(), reason="it earned it")
    assert read_live(later.root).champion == 2


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (None, "no outcome has matured yet"),
        ({"decision": "keep running", "verdict": "keep running: 2 months"}, "2 months"),
    ],
)
def test_without_a_decision_nothing_is_shipped(later, own, outcome, message):
    """Nor while the experiment is to keep running."""
    with pytest.raises(ExperimentError, match=message):
        ship.ship(later, own, outcome, Progress(), reason="hurry")


def test_a_step_is_not_skipped(publisher, own, monkeypatch):
    """The shadow has lasted for minutes."""
    judged(monkeypatch, evidence())
    with pytest.raises(ExperimentError, match=r"step shadow has lasted 0\.\d of 24 hours"):
        ship.ship(publisher, own, SHIP, Progress(), reason="hurry")


def test_a_version_that_was_never_evaluated_is_not_shipped(later, own):
    """No gate has seen it."""
    connect(later.lake).close()  # a lake without a table
    with pytest.raises(PromotionError, match="version 1 was never evaluated"):
        ship.ship(later, own, SHIP, Progress(), reason="hurry")
