"""The record of a decision says all that it rests on, once."""

import json
from contextlib import closing

import pytest

from churn_platform.errors import TrainingError
from churn_platform.metrics.comparison import CONFIDENCE
from churn_platform.promotion.evaluate import Contender, judge
from churn_platform.promotion.evaluation_table import (
    read_evaluation,
    recorded_evaluation,
    replace_evaluation,
)
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import ensure_table, read_rows
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, TINY, customers, fit_tiny

HOLDOUT = customers(400, seed=4)
LENIENT = TINY.model_copy(
    update={"gates": TINY.gates.model_copy(update={"max_calibration_error": 1.0})}
)


@pytest.fixture(scope="module")
def contenders():
    """The same model as challenger and champion."""
    model = fit_tiny("logistic_regression")
    return Contender(2, model, 0.2), Contender(1, model, 0.2)


def test_an_evaluation_is_recorded_once_with_its_evidence(contenders, lake):
    """Recording a month again replaces it; every number is there to be read, with the notes."""
    judged = judge(TINY, JANUARY, *contenders, HOLDOUT, replicates=100)
    with closing(connect(lake)) as connection:
        for _ in range(2):
            written = replace_evaluation(
                connection, TINY, judged, notes={"holdout_month": "2024-12"}
            )
        (row,) = read_rows(connection, "tiny.evaluation", JANUARY)
    assert row == written
    evidence = json.loads(row["evidence"], parse_constant=pytest.fail)
    assert (row["challenger_version"], row["champion_version"], row["is_promoted"]) == (2, 1, False)
    assert (row["outcome"], row["reason"]) == ("refused", judged.decision.reason)
    metrics = judged.challenger.standing.metrics
    assert evidence["challenger"]["metrics"] == pytest.approx(metrics.as_dict())
    assert evidence["challenger"]["intervals"]["auc"] == pytest.approx(
        judged.challenger.intervals["auc"]
    )
    assert sum(part["customers"] for part in evidence["champion"]["reliability"]) == 400
    assert (
        evidence["challenger"]["export"]["latency_p99_ms"]
        >= evidence["challenger"]["export"]["latency_ms"]
        > 0
    )
    assert evidence["auc_difference"] == {
        "estimate": 0.0,
        "low": 0.0,
        "high": 0.0,
        "confidence": CONFIDENCE,
    }
    assert (evidence["gates"], evidence["holdout_month"]) == (TINY.gates.model_dump(), "2024-12")


def test_a_table_from_before_gains_the_new_columns(contenders, lake):
    """A lake whose table has the columns of the first version keeps its rows,
    and takes new ones.
    """
    old = dict.fromkeys(("reason", "evidence"), "varchar") | {"is_promoted": "boolean"}
    columns = {
        "month": "date",
        "challenger_version": "integer",
        "champion_version": "integer",
    } | old
    judged = judge(LENIENT, FEBRUARY, *contenders, HOLDOUT, replicates=100)
    with closing(connect(lake)) as connection:
        ensure_table(connection, "tiny.evaluation", columns)
        connection.execute(
            "insert into tiny.evaluation values (?, 7, 6, 'promoted: good', '{}', true)", [JANUARY]
        )
        before = read_evaluation(connection, TINY, JANUARY)
        replace_evaluation(connection, TINY, judged)
        assert read_evaluation(connection, TINY, JANUARY) == before
        assert read_evaluation(connection, TINY, FEBRUARY)["outcome"] == "refused"
    assert (before["challenger_version"], before["is_promoted"], before["outcome"]) == (
        7,
        True,
        None,
    )


def test_a_month_without_evaluation_is_named(lake):
    """Reading gives nothing, requiring says what to do."""
    with closing(connect(lake)) as connection:
        assert read_evaluation(connection, TINY, JANUARY) is None
        with pytest.raises(
            TrainingError, match="no evaluation of tiny for 2025-01; materialize tiny/evaluation"
        ):
            recorded_evaluation(connection, TINY, JANUARY)
