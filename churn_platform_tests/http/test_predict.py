"""What a call-center application gets from /predict."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn_platform.published.prediction_log import read_segment
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.served_bundles import GHOST, MONTH, PEOPLE
from churn_platform_tests.support.tiny import TINY

ADA = {"customer_id": "C00001", "usage": 20.5, "tickets": 4, "is_late": True, "plan": "prepaid"}


def post(client, path, body):
    """The answer's JSON, which must be a 200."""
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


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


def test_original_column_names_and_spellings_are_understood(client, booster):
    """'Yes' and 1 are true, a number may be text, a blank is missing where that is allowed."""
    plain = post(
        client, "/predict", {"usage": None, "tickets": 3, "is_late": True, "plan": "yearly"}
    )
    spelled = post(
        client, "/predict", {"usage": " ", "tickets": "3", "is_late": "Yes", "plan": "yearly"}
    )
    assert spelled["churn_probability"] == plain["churn_probability"]


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


def test_the_same_under_the_portfolios_name(client):
    """The default portfolio answers at the root and under its name alike."""
    here, there = (
        post(client, path, {"customer_id": "C00002"}) for path in ("/predict", "/tiny/predict")
    )
    assert here["churn_probability"] == there["churn_probability"]
    assert here["request_id"] != there["request_id"]


@pytest.mark.parametrize(
    ("body", "status", "field", "allowed"),
    [
        ({"tickets": -1}, 422, "tickets", "a whole number from 0 to 50"),
        ({"tickets": 2.5}, 422, "tickets", "a whole number from 0 to 50"),
        ({"tickets": None}, 422, "tickets", "a whole number from 0 to 50"),
        ({"tickets": True}, 422, "tickets", "a whole number from 0 to 50"),
        ({"usage": "Infinity"}, 422, "usage", "a number from 0 to 100, or null"),
        ({"usage": 100.01}, 422, "usage", "a number from 0 to 100, or null"),
        ({"usage": [1]}, 422, "usage", "a number from 0 to 100, or null"),
        ({"is_late": 2}, 422, "is_late", "true or false"),
        ({"plan": "weekly"}, 422, "plan", "one of 'prepaid', 'monthly', 'yearly'"),
        ({"ticket": 1}, 422, "ticket", "only features that the model knows, perhaps 'tickets'"),
        (
            {"features": {"tickets": 1}},
            422,
            "features",
            "no object: give features by name beside the customer id",
        ),
        ({"customer_id": 7}, 422, "customer_id", "text of 1 to 511 bytes"),
        ({"customer_id": ""}, 422, "customer_id", "text of 1 to 511 bytes"),
        ({"customer_id": "x" * 512}, 422, "customer_id", "text of 1 to 511 bytes"),
        ({}, 422, "customer_id", "a customer id, features, or both"),
    ],
)
def test_what_is_not_allowed_is_named(client, body, status, field, allowed):
    """The problem names the field, the value and what is allowed."""
    response = client.post("/predict", json=body)
    assert response.status_code == status
    (error,) = response.json()["errors"]
    assert (error["field"], error["allowed"]) == (field, allowed)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b'{"usage": NaN}', b'{"usage": 1e999}', b"\xff", b"[" * 5000]
)
def test_what_is_no_object_is_refused(client, body):
    """A body that is no JSON object is a 400, whatever it is."""
    response = client.post("/predict", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/predict", b'{"customer_id": "C00001", "customer_id" : "C00002"}', "customer_id"),
        ("/predict", b'{"customer_id": "C00001", "customer\\u005fid": "C00002"}', "customer_id"),
        (
            "/explain",
            b'{"customer_id": "C00001", "what_if": {"tickets": 1, "tickets": 2}}',
            "tickets",
        ),
        (
            "/predict/batch",
            b'{"customers": [{"customer_id": "C00001", "customer_id": "C00002"}]}',
            "customer_id",
        ),
        (
            "/features/push",
            b'{"customer_id": "C1", "features": {"tickets": 1, "tickets": 2}}',
            "tickets",
        ),
    ],
)
def test_a_name_given_twice_is_refused(client, path, body, name):
    """Nobody knows which of two customers is meant, so neither is answered; a colon in a text harms
    nobody.
    """
    response = client.post(path, content=body, headers={"content-type": "application/json"})
    assert (response.status_code, f"{name!r} twice" in response.json()["detail"]) == (400, True)
    assert client.post("/predict", json={"customer_id": "a:b", "tickets": 1}).status_code == 200


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/explain", "/features/push"])
def test_a_body_in_another_encoding_is_refused(client, path):
    """A 400 that says which encoding is meant, for a short body and for one as long as all
    features.
    """
    for text in ("\u00fc", 200 * "\u00fc"):
        body = f'{{"plan": "{text}"}}'.encode("latin-1")
        response = client.post(path, content=body, headers={"content-type": "application/json"})
        assert response.status_code == 400
        assert "the body is not UTF-8" in response.json()["detail"]


def test_an_unknown_customer_is_not_found(client):
    """An id that the month does not hold, alone, is a 404 that says how to go on."""
    response = client.post("/predict", json={"customer_id": "nobody"})
    assert response.status_code == 404
    assert "send features" in response.json()["detail"]
