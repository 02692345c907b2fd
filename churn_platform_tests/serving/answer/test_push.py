"""Pushed features count for a while, and what may not be pushed is named."""

import logging
import time
from types import SimpleNamespace

import pytest

from serving.answer import push


def test_a_pushed_feature_moves_the_score_for_a_while(client):
    """A complaint of a minute ago counts at once, is named, goes behind what is
    sent, and expires.
    """
    before = client.post("/predict", json={"customer_id": "C00001"}).json()
    push = {"customer_id": "C00001", "features": {"tickets": 50}, "ttl_seconds": 1.0}
    assert client.post("/features/push", json=push).status_code == 200
    after = client.post("/predict", json={"customer_id": "C00001"}).json()
    assert after["churn_probability"] > before["churn_probability"]
    assert (after["pushed_features"], after["missing_features"]) == (["tickets"], [])
    sent = client.post("/predict", json={"customer_id": "C00001", "tickets": 0}).json()
    assert sent["pushed_features"] == []
    time.sleep(1.1)
    expired = client.post("/predict", json={"customer_id": "C00001"}).json()
    assert expired["churn_probability"] == before["churn_probability"]


@pytest.mark.parametrize(
    ("push", "field"),
    [
        ({"features": {"tickets": 1}}, "customer_id"),
        ({"customer_id": "a", "features": {}}, "features"),
        ({"customer_id": "a", "features": {"tickets": -1}}, "features.tickets"),
        ({"customer_id": "a", "features": {"tickets": 1}, "ttl_seconds": 0}, "ttl_seconds"),
        ({"customer_id": "a", "features": {"tickets": 1}, "ttl": 1}, "ttl"),
    ],
)
def test_a_push_that_is_not_allowed_is_named(client, push, field):
    """The same checks as for requests."""
    response = client.post("/features/push", json=push)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


def test_a_push_is_logged_without_the_customer(monkeypatch, caplog):
    """The line says which features came, not whose they are."""
    counter = SimpleNamespace(inc=lambda _: None)
    plane = SimpleNamespace(
        registry=SimpleNamespace(get=lambda _: SimpleNamespace(name="tiny")),
        settings=None,
        overlay=SimpleNamespace(put=lambda *_: None),
        metrics=SimpleNamespace(pushes=SimpleNamespace(labels=lambda _: counter)),
    )
    monkeypatch.setattr(push, "_read", lambda *_: ("C00001", {"tickets": 4}, 60.0))
    with caplog.at_level(logging.INFO):
        push.push(plane, None, b"{}", "r1")
    (record,) = caplog.records
    assert record.fields == {"portfolio": "tiny", "features": ["tickets"], "ttl_seconds": 60.0}
