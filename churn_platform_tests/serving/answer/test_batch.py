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


def test_a_batch_is_decided_by_the_threshold_it_names(client):
    """With the totals of that decision; scores, the version's own counts and the log stay."""
    customers = [{"customer_id": "C00001"}, SENT, {"customer_id": "nobody"}]
    own = client.post("/predict/batch", json={"customers": customers}).json()
    asked = client.post("/predict/batch", json={"customers": customers, "threshold": 0}).json()
    assert "summary" not in own
    assert asked["summary"] == {"total": 3, "scored": 2, "churners": 2, "churn_rate": 1.0}
    for before, after in zip(own["predictions"][:2], asked["predictions"][:2], strict=True):
        assert after["churn_probability"] == before["churn_probability"]
        assert (after["threshold"], after["churn_prediction"]) == (0, True)
        assert after["confidence"] == after["churn_probability"]
    none = client.post("/predict/batch", json={"customers": customers, "threshold": 1}).json()
    assert none["summary"]["churn_rate"] == 0.0
    assert none["predictions"][0]["confidence"] == 1 - own["predictions"][0]["churn_probability"]


def test_a_batch_has_totals_where_they_are_asked_for(client):
    """By the version's own threshold; nobody scored is no rate."""
    body = {"customers": [SENT], "summary": True}
    answer = client.post("/predict/batch", json=body).json()
    (prediction,) = answer["predictions"]
    assert answer["summary"]["churners"] == int(prediction["churn_prediction"])
    nobody = {"customers": [{"customer_id": "nobody"}], "summary": True}
    totals = client.post("/predict/batch", json=nobody).json()["summary"]
    assert totals == {"total": 1, "scored": 0, "churners": 0, "churn_rate": None}


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("threshold", 1.5, "a number from 0 to 1"),
        ("threshold", True, "a number from 0 to 1"),
        ("threshold", "0.4", "a number from 0 to 1"),
        ("summary", "yes", "true or false"),
        ("limit", 3, "only 'customers', 'threshold' and 'summary'"),
    ],
)
def test_a_wish_that_is_none_is_refused(client, name, value, allowed):
    """With the field, the value and what it may be."""
    answer = client.post("/predict/batch", json={"customers": [SENT], name: value})
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["field"], fault["allowed"]) == (name, allowed)


def test_customers_in_batches_are_counted_as_such(client):
    """What other systems tell apart by a label `mode`."""
    client.post("/predict", json=SENT)
    client.post("/predict/batch", json={"customers": [SENT, SENT]})
    text = client.get("/metrics").text
    assert 'batch_predictions_total{portfolio="tiny"} 2.0' in text
    assert 'predictions_total{arm="champion",model_version="1",portfolio="tiny"} 3.0' in text
