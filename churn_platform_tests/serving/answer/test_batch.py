"""A batch reads and scores each customer as alone."""

import pytest

from churn_platform_tests.support.served_bundles import publish


def test_a_batch_reads_each_customer_as_alone(client):
    """Text in another encoding or a name given twice, in any customer, refuses the batch as it
    refuses the customer.
    """
    headers = {"content-type": "application/json"}
    for customer in (
        b'{"plan": "\xfc"}',
        b'{"customer_id": "a", "customer_id": "b"}',
        b'{"tickets": nan}',
    ):
        body = b'{"customers": [{"tickets": 1}, ' + customer + b"]}"
        assert client.post("/predict/batch", content=body, headers=headers).status_code == 400
    body = b'{"customers": [{"tickets": 1}], "customers": [{"tickets": 2}]}'
    assert client.post("/predict/batch", content=body, headers=headers).status_code == 400


SENT = {"usage": 1.0, "tickets": 5, "is_late": True, "plan": "prepaid"}


def test_a_batch_scores_each_as_alone(client):
    """Same probability and reasons as one by one; what cannot be scored has an error of its own and
    sinks nobody.
    """
    customers = [{"customer_id": "C00001"}, {"customer_id": "nobody"}, SENT, {"tickets": -1}, 7]
    answer = client.post("/predict/batch", json={"customers": customers}).json()
    alone = [client.post("/predict", json=customers[place]).json() for place in (0, 2)]
    for together, single in zip(
        [answer["predictions"][0], answer["predictions"][2]], alone, strict=True
    ):
        assert together["churn_probability"] == pytest.approx(
            single["churn_probability"], abs=1e-12
        )
        assert together["reasons"] == single["reasons"]
    assert [(error["position"], error["status"]) for error in answer["errors"]] == [
        (1, 404),
        (3, 422),
        (4, 422),
    ]
    assert answer["errors"][1]["errors"][0]["field"] == "tickets"


def test_a_batch_is_bounded(start, tmp_path, booster):
    """More customers than allowed are a 413, none at all a 422."""
    publish(tmp_path / "published", booster)
    small = start(batch_max=2)
    assert small.post("/predict/batch", json={"customers": [SENT] * 3}).status_code == 413
    assert small.post("/predict/batch", json={"customers": []}).status_code == 422
