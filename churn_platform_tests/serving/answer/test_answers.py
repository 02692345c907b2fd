"""What answers hold beside the score."""

import pytest

from churn_platform_tests.support.served_bundles import PEOPLE


def test_a_customer_is_shown_with_features(client, booster):
    """Stored score and features as values of the catalogue."""
    shown = client.get("/customers/C00001").json()
    usage, tickets, is_late, plan = PEOPLE.features[1].tolist()
    plans = ["prepaid", "monthly", "yearly"]
    assert shown["features"] == {
        "usage": pytest.approx(usage),
        "tickets": int(tickets),
        "is_late": bool(is_late),
        "plan": plans[int(plan)],
    }
    assert shown["score"]["scored_from"] == "stored_score"
    assert client.get("/customers/nobody").status_code == 404


def test_answers_name_the_threshold(client):
    """The model version's own, 0.3 here: alone, in a batch, of a customer and in an explanation."""
    ada = {"customer_id": "C00001"}
    batch = client.post("/predict/batch", json={"customers": [ada]}).json()
    answers = [
        client.post("/predict", json=ada).json(),
        batch["predictions"][0],
        client.get("/customers/C00001").json()["score"],
        client.post("/explain", json=ada).json()["score"],
    ]
    assert [answer["threshold"] for answer in answers] == [0.3] * 4
