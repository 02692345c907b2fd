"""What a month shows at a glance."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial

import duckdb
import pytest

from churn_platform.monitoring import lights
from churn_platform.monitoring.decision import NOTABLE, QUIET, SEVERE
from churn_platform.warehouse.lake import Lake, connect
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, TINY

Connection = duckdb.DuckDBPyConnection


@pytest.fixture
def connection(lake: Lake) -> Iterator[Connection]:
    """A lake without tables."""
    with closing(connect(lake)) as opened:
        opened.execute("create schema tiny")
        yield opened


def keep(connection: Connection, table: str, *rows: str) -> None:
    """Make a table of `select` lists."""
    selects = " union all ".join(f"select {row}" for row in rows)
    connection.execute(f"create table tiny.{table} as {selects}")


JANUARY_ROW = "date '2025-01-01' as month"
FEBRUARY_ROW = "date '2025-02-01' as month"


@pytest.mark.parametrize("check", lights.CHECKS, ids=lambda check: check.name)
def test_before_anything_is_made_there_is_no_light(
    connection: Connection, check: lights.LightCheck
):
    """No table, and so nothing to judge."""
    assert check.see(connection, TINY, JANUARY) is None


@pytest.mark.parametrize(
    ("gap_low", "ratio_low", "ratio_high", "level"),
    [
        (0.0, 0.9, 1.1, QUIET),
        (0.02, 0.9, 1.1, NOTABLE),
        (0.2, 0.9, 1.1, SEVERE),
        (0.0, 1.3, 1.5, SEVERE),
    ],
)
def test_outcomes_worse_than_promised_light_up(
    connection: Connection, gap_low: float, ratio_low: float, ratio_high: float, level: int
):
    """By the bounds that the decision uses; the words have both figures."""
    keep(
        connection,
        "model_performance",
        f"{FEBRUARY_ROW}, 'all' as segment, 0.606::double as auc, 0.875::double as promised_auc, "
        f"date '2025-01-01' as features_month, {gap_low}::double as auc_gap_low, "
        f"1.0::double as churn_ratio, {ratio_low}::double as churn_ratio_low, "
        f"{ratio_high}::double as churn_ratio_high",
    )
    light = lights.performance_light(connection, TINY, FEBRUARY)
    assert light is not None
    assert light.level == level
    assert "AUC 0.606, promised 0.875" in light.words
    assert light.figures["auc"] == pytest.approx(0.606)


def test_a_silent_decision_does_not_hide_a_severe_month(connection: Connection):
    """After a training the decision is quiet for some months; the light is red all the same."""
    keep(
        connection,
        "retraining_decision",
        f"{JANUARY_ROW}, 'severe' as severity, false as retraining_required, "
        "['quiet until 2025-03'] as reasons",
    )
    light = lights.decision_light(connection, TINY, JANUARY)
    assert light == lights.Light(SEVERE, "no training required: quiet until 2025-03")


@pytest.mark.parametrize(("drifted", "level"), [(0.2, QUIET), (0.4, NOTABLE)])
def test_drift_lights_up_by_importance(connection: Connection, drifted: float, level: int):
    """Not by the number of features."""
    row = f"{JANUARY_ROW}, {{}}::double as importance, {{}} as is_drifted"
    keep(connection, "feature_drift", row.format(drifted, True), row.format(1 - drifted, False))
    light = lights.feature_drift_light(connection, TINY, JANUARY)
    assert light is not None
    assert (light.level, light.figures["drifted_importance"]) == (level, pytest.approx(drifted))


@pytest.mark.parametrize(("now", "level"), [(0.11, QUIET), (0.2, NOTABLE)])
def test_scores_that_jump_light_up(connection: Connection, now: float, level: int):
    """The mean score beside that of the month before."""
    keep(
        connection,
        "monthly_scores",
        f"{JANUARY_ROW}, 'low' as risk_tier, 0.1::double as churn_probability, 1 as model_version",
        f"{FEBRUARY_ROW}, 'low', {now}::double, 1",
    )
    assert lights.scores_light(connection, TINY, JANUARY) is None
    light = lights.scores_light(connection, TINY, FEBRUARY)
    assert light is not None
    assert light.level == level


@pytest.mark.parametrize(("scored_by", "level"), [(1, QUIET), (2, NOTABLE)])
def test_a_list_of_another_champion_lights_up(connection: Connection, scored_by: int, level: int):
    """The words name both versions."""
    keep(connection, "contact_list", f"{JANUARY_ROW}, 1 as model_version")
    keep(connection, "monthly_scores", f"{JANUARY_ROW}, {scored_by} as model_version")
    light = lights.list_light(connection, TINY, JANUARY)
    assert light is not None
    assert light.level == level
    assert f"version {scored_by}" in light.words


def test_a_gap_beyond_the_gate_is_red(connection: Connection):
    """The larger of both rates counts; groups that are too small do not."""
    row = (
        f"{JANUARY_ROW}, 'age' as attribute, {{}}::double as recall, "
        "{}::double as false_positive_rate, {} as is_judged"
    )
    see = partial(lights.fairness_light, connection, TINY, JANUARY)
    small = row.format(0.0, 0.0, False)
    keep(
        connection, "fairness_report", row.format(0.9, 0.1, True), row.format(0.3, 0.1, True), small
    )
    light = see()
    assert light is not None
    assert (light.level, light.figures["gap"]) == (SEVERE, pytest.approx(0.6))


@pytest.mark.parametrize(("outcome", "level"), [("promoted", QUIET), ("refused", NOTABLE)])
def test_a_refused_challenger_is_yellow(connection: Connection, outcome: str, level: int):
    """With the reason in words."""
    keep(connection, "evaluation", f"{JANUARY_ROW}, '{outcome}' as outcome, 'AUC' as reason")
    assert lights.evaluation_light(connection, TINY, JANUARY) == lights.Light(level, "AUC")


def test_scores_beyond_their_limit_are_yellow(connection: Connection):
    """PSI against the hold-out's scores."""
    keep(
        connection,
        "prediction_drift",
        f"{JANUARY_ROW}, 0.3::double as psi, 0.1::double as psi_limit, "
        "0.02::double as score_mean, 0.5::double as score_mean_shift",
    )
    light = lights.prediction_drift_light(connection, TINY, JANUARY)
    assert light is not None
    assert light.level == NOTABLE
    assert "PSI of the scores 0.300, the limit is 0.100" in light.words
