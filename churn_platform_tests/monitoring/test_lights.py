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


def outcomes(
    month: str, gap_low: float, ratio_low: float = 0.9, ratio_high: float = 1.1, *, version: int = 1
) -> str:
    """What a version reached on customers of January, as a `select` list."""
    return (
        f"{month}, {version} as model_version, 'all' as segment, 0.606::double as auc, "
        "0.875::double as promised_auc, 0.5::double as recall, "
        f"date '2025-01-01' as features_month, {gap_low}::double as auc_gap_low, "
        f"1.0::double as churn_ratio, {ratio_low}::double as churn_ratio_low, "
        f"{ratio_high}::double as churn_ratio_high"
    )


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
    keep(connection, "model_performance", outcomes(FEBRUARY_ROW, gap_low, ratio_low, ratio_high))
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
        "['quiet until 2025-03'] as reasons, 0.4::double as drifted_importance, "
        "null::double as churn_rate_shift",
    )
    light = lights.decision_light(connection, TINY, JANUARY)
    assert light == lights.Light(
        SEVERE, "no training required: quiet until 2025-03", {"drifted_importance": 0.4}
    )


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


def evaluation(outcome: str = "promoted", *, champion: str = "1") -> str:
    """Version 2 judged against version 1 in January, as a `select` list."""
    evidence = '{"challenger": {"metrics": {"auc": 0.8}}, "champion": null}'
    return (
        f"{JANUARY_ROW}, '{outcome}' as outcome, 'AUC' as reason, '{evidence}' as evidence, "
        f"{outcome == 'promoted'} as is_promoted, 2 as challenger_version, "
        f"{champion} as champion_version"
    )


@pytest.mark.parametrize(("outcome", "level"), [("promoted", QUIET), ("refused", NOTABLE)])
def test_a_refused_challenger_is_yellow(connection: Connection, outcome: str, level: int):
    """With the reason in words, and the AUCs that were measured."""
    keep(connection, "evaluation", evaluation(outcome))
    light = lights.evaluation_light(connection, TINY, JANUARY)
    assert light == lights.Light(level, "AUC", {"challenger_auc": 0.8})


@pytest.mark.parametrize(("outcome", "level"), [("promoted", QUIET), ("refused", SEVERE)])
def test_a_champion_known_to_be_broken_is_red(connection: Connection, outcome: str, level: int):
    """Version 1 is broken: red while it serves, and not where version 2 took its place."""
    keep(connection, "evaluation", evaluation(outcome))
    keep(connection, "model_performance", outcomes(JANUARY_ROW, 0.2))
    light = lights.champion_light(connection, TINY, JANUARY)
    assert light is not None
    assert light.level == level
    assert light.figures["champion_version"] == (2 if outcome == "promoted" else 1)


def test_without_a_champion_the_reason_is_said(connection: Connection):
    """The first challenger of all was refused."""
    keep(connection, "evaluation", evaluation("refused", champion="null::integer"))
    light = lights.champion_light(connection, TINY, JANUARY)
    assert light == lights.Light(NOTABLE, "there is no champion: AUC")


def test_outcomes_of_a_broken_feed_are_not_judged(connection: Connection):
    """Decision and light agree: they say something of the feed, nothing of the model."""
    keep(connection, "model_performance", outcomes(FEBRUARY_ROW, 0.2))
    keep(connection, "data_contract", f"{JANUARY_ROW}, false as is_sound")
    light = lights.performance_light(connection, TINY, FEBRUARY)
    assert light is not None
    assert light.level == QUIET
    assert "outcomes not judged: the feed of 2025-01 was broken" in light.words


def test_a_list_that_is_held_back_is_red(connection: Connection):
    """Nobody gets a list until another version is champion."""
    keep(connection, "contact_list", f"{JANUARY_ROW}, 1 as model_version, 'bad' as held_because")
    keep(connection, "monthly_scores", f"{JANUARY_ROW}, 1 as model_version")
    light = lights.list_light(connection, TINY, JANUARY)
    assert light is not None
    assert light.level == SEVERE
    assert light.words == "the list is held back, made by model version 1: bad"


def test_a_list_whose_model_broke_later_is_yellow(connection: Connection):
    """It was handed over before the outcomes were known."""
    keep(connection, "contact_list", f"{JANUARY_ROW}, 1 as model_version")
    keep(connection, "monthly_scores", f"{JANUARY_ROW}, 1 as model_version")
    keep(connection, "model_performance", outcomes(JANUARY_ROW, 0.2))
    light = lights.list_light(connection, TINY, JANUARY)
    assert light is not None
    assert light.level == NOTABLE
    assert "that version is broken, outcomes of 2025-01: AUC at least 0.200" in light.words


@pytest.mark.parametrize("check", lights.CHECKS, ids=lambda check: check.name)
def test_each_light_is_described_in_a_sentence(check: lights.LightCheck):
    """What a green one says; the UI shows it beside the name."""
    assert check.description.endswith(".")
    assert check.asset in (check.table, "champion")


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
