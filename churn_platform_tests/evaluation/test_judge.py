"""Both contenders stand before the same customers, and the record says all that was decided on."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from churn_platform.evaluation.judge import Contender, judge, replace_evaluation
from churn_platform.training.model import Calibration
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import read_rows
from churn_platform_tests.tiny import JANUARY, TINY, customers

HOLDOUT = customers(400, seed=4)


def test_without_a_champion_the_gates_decide(model):
    """The first model that passes is promoted, with no difference to show."""
    judged = judge(TINY, JANUARY, Contender(1, model, 0.2), None, HOLDOUT, replicates=100)
    assert (judged.champion, judged.champion_version, judged.decision.difference) == (None, None, None)
    assert judged.decision.promoted is (judged.challenger.calibration_error <= 0.05)


def test_a_model_does_not_replace_itself(model):
    """Challenger and champion alike: no evidence, no promotion."""
    lenient = TINY.gates.model_copy(update={"max_calibration_error": 1.0})
    calm = TINY.model_copy(update={"gates": lenient})
    judged = judge(calm, JANUARY, Contender(2, model, 0.2), Contender(1, model, 0.2), HOLDOUT, replicates=100)
    assert (judged.decision.difference.low, judged.decision.difference.high) == (0, 0)
    assert not judged.decision.promoted


def test_each_contender_is_measured_at_its_own_threshold(model):
    """A lower threshold contacts more of the same customers."""
    judged = judge(TINY, JANUARY, Contender(2, model, 0.1), Contender(1, model, 0.6), HOLDOUT, replicates=100)
    assert judged.challenger.contacted_share > judged.champion.contacted_share
    assert judged.challenger.auc == judged.champion.auc


def test_a_badly_calibrated_challenger_is_refused(model):
    """Probabilities far from what happens fail their gate, however good the ranking."""
    wrong = replace(model, calibration=Calibration(model.calibration.slope, model.calibration.intercept + 2))
    judged = judge(TINY, JANUARY, Contender(2, wrong, 0.2), None, HOLDOUT, replicates=100)
    assert "calibration error" in judged.decision.reason
    assert not judged.decision.promoted


def test_an_evaluation_is_recorded_once_with_its_evidence(model, lake):
    """Recording a month again replaces it; every number is there to be read."""
    judged = judge(TINY, JANUARY, Contender(2, model, 0.2), Contender(1, model, 0.2), HOLDOUT, replicates=100)
    with closing(connect(lake)) as connection:
        for _ in range(2):
            replace_evaluation(connection, TINY, judged)
        (row,) = read_rows(connection, "tiny.evaluation", JANUARY)
    evidence = json.loads(row["evidence"])
    assert (row["challenger_version"], row["champion_version"], row["is_promoted"]) == (2, 1, False)
    assert row["reason"] == judged.decision.reason
    assert evidence["challenger"]["auc"] == pytest.approx(judged.challenger.auc)
    assert evidence["gates"] == TINY.gates.model_dump()
    assert evidence["auc_difference"] == {"estimate": 0.0, "low": 0.0, "high": 0.0}
