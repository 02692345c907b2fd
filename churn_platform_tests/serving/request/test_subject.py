"""What a request says of a customer, and what it must not."""

import pytest

from churn_platform_tests.serving.conftest import post


def test_original_column_names_and_spellings_are_understood(client, booster):
    """'Yes' and 1 are true, a number may be text, a blank is missing where that is allowed."""
    plain = post(
        client, "/predict", {"usage": None, "tickets": 3, "is_late": True, "plan": "yearly"}
    )
    spelled = post(
        client, "/predict", {"usage": " ", "tickets": "3", "is_late": "Yes", "plan": "yearly"}
    )
    assert spelled["churn_probability"] == plain["churn_probability"]


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
