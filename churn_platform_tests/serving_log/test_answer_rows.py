"""Segments of the prediction log as rows: one a segment, one an answer."""

from datetime import datetime

import numpy as np

from churn_platform.serving_log.answer_rows import answer_rows
from churn_platform_tests.support.predictions import prediction


def test_an_answer_is_a_row():
    """Times are instants, latencies milliseconds, and features a list of their own length."""
    answers = [
        prediction(latency_us=1_500),
        prediction(request_id="r2", features=np.float32([7]).tobytes(), missing=()),
    ]
    rows = answer_rows(answers, segment="s1").to_pylist()
    assert [row["request_id"] for row in rows] == ["r1", "r2"]
    assert rows[0]["predicted_at"] == datetime(2026, 9, 21, 14, 13, 20)
    assert (rows[0]["latency_ms"], rows[0]["segment"]) == (1.5, "s1")
    assert (rows[0]["arm"], rows[0]["risk_tier"]) == ("champion", "high")
    assert rows[1]["features"] == [7.0]
    assert (rows[0]["missing_features"], rows[1]["missing_features"]) == (["age_years"], [])


def test_a_missing_feature_stays_a_gap():
    """It is not a number in the log, and is none in the row."""
    (row,) = answer_rows([prediction()], segment="s1").to_pylist()
    assert row["features"][0] == 1.5
    assert np.isnan(row["features"][1])


def test_no_answers_are_a_table_without_rows():
    """With the same columns, so that tables of several segments can be joined."""
    empty, full = answer_rows([], segment="s1"), answer_rows([prediction()], segment="s1")
    assert (empty.num_rows, empty.schema) == (0, full.schema)
