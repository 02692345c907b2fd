"""Both versions score everybody, before the outcomes are known."""

from datetime import date

import pyarrow as pa
import pytest

from churn_platform.experiments.arm_scores import concerns, replace_arm_scores
from churn_platform.scoring.score import SCORE_COLUMNS
from churn_platform.warehouse.tables import replace_rows
from churn_platform_tests.experiments.lake_rows import DECEMBER, add_arm_scores, state_of
from churn_platform_tests.support.tiny import TINY


def scores(version: int, value: float) -> pa.Table:
    """Two customers, scored alike."""
    row = {
        "month": DECEMBER,
        "churn_probability": value,
        "risk_tier": "high",
        "decile": 1,
        "reasons": ["Because"],
        "model_version": version,
    }
    return pa.Table.from_pylist([row | {"customer_id": name} for name in ("A", "B")])


@pytest.mark.parametrize("served_by", [1, 3])
def test_what_was_served_is_not_scored_again(connection, served_by):
    """The control's scores are those of the month where it made them; another version is asked."""
    replace_rows(connection, "tiny.monthly_scores", SCORE_COLUMNS, DECEMBER, scores(served_by, 0.3))
    asked = []

    def score(version: int) -> pa.Table:
        asked.append(version)
        return scores(version, 0.7)

    assert replace_arm_scores(connection, TINY, state_of(), DECEMBER, score) == 2
    assert asked == ([2] if served_by == 1 else [1, 2])
    query = "select arm, churn_probability from tiny.experiment_scores where customer_id = 'A'"
    found = dict(connection.execute(query).fetchall())
    assert found == {"control": 0.3 if served_by == 1 else 0.7, "challenger": 0.7}


def test_scores_of_another_experiment_stay(connection):
    """An ended experiment is judged by its rows for as long as its outcomes come in."""
    add_arm_scores(connection, DECEMBER, {"A": (0.1, 0.2)}, experiment="older")
    for _ in range(2):
        replace_arm_scores(
            connection, TINY, state_of(), DECEMBER, lambda version: scores(version, 0.5)
        )
    query = "select experiment, count(*) from tiny.experiment_scores group by experiment"
    assert dict(connection.execute(query).fetchall()) == {"older": 2, "boosting": 4}


@pytest.mark.parametrize(
    ("month", "expected"), [(date(2025, 11, 1), False), (DECEMBER, True), (date(2026, 1, 1), True)]
)
def test_outcomes_known_at_the_start_do_not_count(month, expected):
    """It started on 1 January: the labels of December's features mature in January."""
    assert concerns(state_of(), TINY, month) is expected
