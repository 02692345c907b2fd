"""One customer's score: stored or sent, with tier and reasons, and logged before it is sent."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn_platform.published.prediction_log import read_segment
from churn_platform_tests.serving.conftest import post
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.served_bundles import GHOST, MONTH, PEOPLE
from churn_platform_tests.support.tiny import TINY


def test_an_id_gets_the_published_score(client, booster):
    """By id alone: score, reasons and tier as published, the version that made them, and nothing is
    missing.
    """
    answer = post(client, "/predict", {"customer_id": "C00001"})
    assert answer["churn_probability"] == pytest.approx(
        booster.churn_probability(PEOPLE.features[1:2])[0], abs=1e-12
    )
    assert (answer["reasons"], answer["scored_from"]) == (["reason of C00001"], "stored_score")
    assert (answer["model_version"], answer["arm"], answer["features_month"]) == (
        1,
        "champion",
        MONTH,
    )
    assert (answer["missing_features"], answer["cold_start"], answer["portfolio"]) == (
        [],
        False,
        "tiny",
    )


def test_prediction_confidence_and_tier_follow_from_the_probability(client):
    """Threshold 0.3: at or above it churn is predicted; confidence is the probability of what is
    predicted.
    """
    answers = [post(client, "/predict", {"customer_id": name}) for name in PEOPLE.customer_ids[:60]]
    assert {answer["risk_tier"] for answer in answers} == {"critical", "high", "medium", "low"}
    for answer in answers:
        probability = answer["churn_probability"]
        assert answer["churn_prediction"] is (probability >= 0.3)
        assert answer["confidence"] == (probability if probability >= 0.3 else 1 - probability)
        assert answer["risk_tier"] == next(
            name
            for name, bound in (("critical", 0.5), ("high", 0.3), ("medium", 0.2), ("low", 0))
            if probability >= bound
        )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    usage=st.none() | st.floats(0, 100, width=32),
    tickets=st.integers(0, 50),
    is_late=st.booleans(),
    plan=st.sampled_from(["prepaid", "monthly", "yearly"]),
)
@invariant("Service", "The service gives the native model's score, whatever is sent.")
def test_sent_features_get_the_native_models_score(client, booster, usage, tickets, is_late, plan):
    """Whatever features are sent, the score is that of the native model within 1e-5."""
    answer = post(
        client, "/predict", {"usage": usage, "tickets": tickets, "is_late": is_late, "plan": plan}
    )
    level = ["prepaid", "monthly", "yearly"].index(plan)
    encoded = np.float32([[np.nan if usage is None else usage, tickets, is_late, level]])
    assert answer["churn_probability"] == pytest.approx(
        booster.churn_probability(encoded)[0], abs=1e-5
    )
    assert (answer["scored_from"], answer["missing_features"], answer["customer_id"]) == (
        "features",
        [],
        None,
    )


def test_sent_features_go_before_stored_ones(client, booster):
    """Of a known customer one feature may be sent; the others are those stored, and nothing counts
    as missing.
    """
    answer = post(client, "/predict", {"customer_id": "C00001", "tickets": 50})
    changed = PEOPLE.features[1:2].copy()
    changed[0, TINY.feature_names.index("tickets")] = 50
    assert answer["churn_probability"] == pytest.approx(
        booster.churn_probability(changed)[0], abs=1e-5
    )
    assert (answer["scored_from"], answer["missing_features"]) == ("features", [])


def test_what_nobody_told_is_the_default_and_named(client, booster):
    """An unknown customer is scored from what is sent; the rest is the manifest's default, named,
    and no reason.
    """
    answer = post(client, "/predict", {"customer_id": "new", "tickets": 50})
    assert answer["missing_features"] == ["usage", "is_late", "plan"]
    assert answer["reasons"] == ["50 tickets"]


def test_a_customer_without_history_gets_the_base_rate(client):
    """Known by name, but with no feature at all: the base rate, marked,
    whatever score was stored.
    """
    answer = post(client, "/predict", {"customer_id": GHOST})
    assert (answer["churn_probability"], answer["cold_start"], answer["scored_from"]) == (
        0.25,
        True,
        "base_rate",
    )


@invariant("Service", "Every answer is in the log before it is sent.")
def test_every_answer_is_in_the_log_before_it_is_sent(client, tmp_path):
    """What was answered is in the segment at once: same id, score, version, features as the model
    saw them.
    """
    answer = post(client, "/predict", {"customer_id": "C00001"})
    (segment,) = (tmp_path / "state" / "log" / "tiny").glob("*.open")
    (kept,) = read_segment(segment)
    assert (kept.request_id, kept.customer_id, kept.model_version) == (
        answer["request_id"],
        "C00001",
        1,
    )
    assert (kept.churn_probability, kept.tier) == (answer["churn_probability"], answer["risk_tier"])
    np.testing.assert_array_equal(np.frombuffer(kept.features, "<f4"), PEOPLE.features[1])
