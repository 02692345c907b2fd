"""Events of a stream and the service's own routes: replicas keep the same, and scores are its
answers.
"""

import json
import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from litestar.testing import TestClient

from churn_platform.published.prediction_log import read_segment
from churn_platform.published.push_outbox import PushOutbox
from churn_platform.streams.metrics import StreamMetrics
from churn_platform.streams.service import Service
from churn_platform.streams.stream import Stream, Topics
from churn_platform_tests.serving.conftest import post, settings_in
from churn_platform_tests.support.memory_broker import MemoryBroker
from churn_platform_tests.support.served_bundles import publish
from churn_platform_tests.support.waiting import eventually
from serving.app import create_app


class InProcess(Service):
    """The service, asked without a network."""

    def __init__(self, client: TestClient):
        super().__init__("http://127.0.0.1")
        self._client = client

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {"content-type": "application/json"}
        response = self._client.request(method, path, content=body, headers=headers)
        return response.status_code, response.content


def stream_of(client: TestClient, broker: MemoryBroker, folder: Path, scores: str = "") -> Stream:
    """The stream beside a service."""
    return Stream(
        broker,
        InProcess(client),
        PushOutbox(folder / "state" / "outbox"),
        Topics("events", "dead", scores),
        StreamMetrics(clock=lambda: 0.0, lag=broker.lag),
        threading.Event(),
    )


def event(minutes_ago: float, customer_id: str, **features: object) -> bytes:
    """An event of the tiny portfolio."""
    at = (datetime.now(UTC) - timedelta(minutes=minutes_ago)).isoformat()
    said = {"portfolio": "tiny", "customer_id": customer_id, "event_time": at, "features": features}
    return json.dumps(said).encode()


def pushed(client: TestClient, customer_id: str) -> dict[str, object]:
    """What is held of a customer."""
    return client.get(f"/customers/{customer_id}").json()["pushed"]


def test_an_event_is_answered_with_what_predict_answers(client, tmp_path):
    """Its score once it counts, with version and request id, which the prediction log has, too."""
    broker = MemoryBroker(event(1, "C00001", tickets=50), event(1, "NEW", tickets=3), b"{")
    stream_of(client, broker, tmp_path, scores="scores").step()
    *scores, dead = broker.sent
    answers = [json.loads(letter.value) for letter in scores]
    asked = post(client, "/predict", {"customer_id": "C00001"})
    assert answers[0].keys() == asked.keys()
    assert answers[0]["churn_probability"] == asked["churn_probability"]
    assert [one["pushed_features"] for one in answers] == [["tickets"]] * 2
    assert [one["model_version"] for one in answers] == [1, 1]
    assert dead.headers["churn-reason"].startswith("no event: ")
    log = tmp_path / "state" / "log" / "tiny"
    logged = [one.request_id for path in log.iterdir() for one in read_segment(path)]
    assert {one["request_id"] for one in answers} <= set(logged)


def test_events_that_the_service_refuses_are_set_aside(client, tmp_path):
    """With its own reason; those of a portfolio that it does not serve, too."""
    elsewhere = json.loads(event(1, "C00001", tickets=1)) | {"portfolio": "atlantis"}
    values = [event(1, "C00001", tickets=-1), json.dumps(elsewhere).encode()]
    broker = MemoryBroker(*values, event(1, "C00001", tickets=5))
    stream_of(client, broker, tmp_path).step()
    reasons = [letter.headers["churn-reason"] for letter in broker.sent]
    assert "features.tickets: -1, allowed is" in reasons[0]
    assert reasons[1] == "no portfolio 'atlantis'; there are tiny"
    assert (pushed(client, "C00001"), broker.waiting) == ({"tickets": 5}, [])


def test_a_push_at_one_replica_reaches_the_others(tmp_path, booster):
    """Whichever push was last counts on all, and comes back to its own host without effect."""
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        publish(folder / "published", booster)
    apps = [create_app(settings_in(folder, share_pushes=True)) for folder in folders]
    clients = [TestClient(app, base_url="http://127.0.0.1") for app in apps]
    with clients[0], clients[1]:
        for tickets, client in enumerate(clients):
            push = {"customer_id": "C00001", "features": {"tickets": tickets}}
            post(client, "/features/push", push)
        shared: list[bytes] = []
        for client, folder in zip(clients, folders, strict=True):
            outgoing = MemoryBroker()
            stream_of(client, outgoing, folder).step()
            shared += [letter.value for letter in outgoing.sent]
        assert len(shared) == 2
        for client, folder in zip(clients, folders, strict=True):
            incoming = MemoryBroker(*reversed(shared))
            stream_of(client, incoming, folder).step()
            assert incoming.sent == []
        assert [pushed(client, "C00001") for client in clients] == [{"tickets": 1}] * 2


@pytest.mark.parametrize("share", [True, False])
def test_the_lag_of_pushes_is_told_by_the_service(start, tmp_path, booster, share):
    """So that it is seen where no stream runs beside it; zero where none wait."""
    publish(tmp_path / "published", booster)
    client = start(share_pushes=share)

    def lag() -> float:
        text = client.get("/metrics").text
        return float(re.search(r"^push_outbox_lag_seconds (.*)$", text, re.MULTILINE)[1])

    assert lag() == 0.0
    post(client, "/features/push", {"customer_id": "C00001", "features": {"tickets": 4}})
    if share:
        eventually(lambda: lag() > 0.0)
    assert share or lag() == 0.0
