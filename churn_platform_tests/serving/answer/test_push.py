"""Pushed features count for a while, and what may not be pushed is named."""

import json
import logging
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from churn_platform.published.customer_events import read_event
from churn_platform.published.push_outbox import PushOutbox, lines_of
from churn_platform_tests.serving.conftest import post
from churn_platform_tests.support.served_bundles import publish
from serving.answer import push
from serving.request.pushed_values import Pushed


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
        overlay=SimpleNamespace(put=lambda *_, before_commit: None),
        metrics=SimpleNamespace(pushes=SimpleNamespace(labels=lambda _: counter)),
    )
    pushed = Pushed("C00001", {"tickets": 4}, 60.0)
    monkeypatch.setattr(push, "read_push", lambda *_: (pushed, []))
    with caplog.at_level(logging.INFO):
        push.push(plane, None, b"{}", "r1")
    (record,) = caplog.records
    assert record.fields == {"portfolio": "tiny", "features": ["tickets"], "ttl_seconds": 60.0}


def test_a_push_is_written_down_for_the_other_hosts(start, tmp_path, booster):
    """Where they are to get it: the values as they were read, and when it was. Events, which come
    from the stream, are not.
    """
    publish(tmp_path / "published", booster)
    client = start(share_pushes=True)
    body = {"customer_id": "C00001", "features": {"tickets": "4"}, "ttl_seconds": 60}
    post(client, "/features/push", body)
    now = datetime.now(UTC)
    event = {"customer_id": "C00002", "event_time": now.isoformat(), "features": {"tickets": 1}}
    post(client, "/features/events", {"events": [event]})
    (path,) = PushOutbox(tmp_path / "state" / "outbox").take()
    (shared,) = map(read_event, lines_of(path))
    assert (shared.portfolio, shared.customer_id) == ("tiny", "C00001")
    assert (shared.features, shared.ttl_seconds) == ({"tickets": 4}, 60)
    assert abs((shared.event_time - now).total_seconds()) < 60


def test_a_push_that_comes_back_from_the_stream_changes_nothing(start, tmp_path, booster):
    """The host that sent it reads the stream, too."""
    publish(tmp_path / "published", booster)
    client = start(share_pushes=True)
    post(client, "/features/push", {"customer_id": "C00001", "features": {"tickets": 4}})
    (path,) = PushOutbox(tmp_path / "state" / "outbox").take()
    event = json.loads(lines_of(path)[0])
    assert event.pop("portfolio") == "tiny"
    answer = post(client, "/features/events", {"events": [event]})
    assert (answer["kept"], answer["outdated"], answer["errors"]) == (0, 1, [])


def test_a_service_on_its_own_writes_nothing_down(client, tmp_path):
    """As long as no setting asks for it."""
    post(client, "/features/push", {"customer_id": "C00001", "features": {"tickets": 4}})
    assert not (tmp_path / "state" / "outbox").exists()
