"""The routes of predictions: the same under a portfolio's name, and their errors."""

import pytest

from churn_platform_tests.serving.conftest import post

ADA = {"customer_id": "C00001", "usage": 20.5, "tickets": 4, "is_late": True, "plan": "prepaid"}


def test_the_same_under_the_portfolios_name(client):
    """The default portfolio answers at the root and under its name alike."""
    here, there = (
        post(client, path, {"customer_id": "C00002"}) for path in ("/predict", "/tiny/predict")
    )
    assert here["churn_probability"] == there["churn_probability"]
    assert here["request_id"] != there["request_id"]


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
