"""Batches beside other requests: bounded help, turns, and an end when nobody waits."""

import asyncio
import threading
import time

import pytest

from churn_platform.published.prediction_log import read_segment
from serving.answer.refusals import KINDS_MAX, POSITIONS_MAX
from serving.errors import HungUp
from serving.http import background
from serving.http.background import Background, Turn

ADA = {"customer_id": "C00001"}


def errors_of(client, customers: list) -> list[dict]:
    """The errors of a batch, which is answered with a null for each of the refused."""
    response = client.post("/predict/batch", json={"customers": customers})
    assert response.status_code == 200, response.text
    answer = response.json()
    refused = sum(one is None for one in answer["predictions"])
    assert sum(error["count"] for error in answer["errors"]) == refused
    return answer["errors"]


def test_the_same_error_is_told_once(client):
    """With the first places and the number of customers, whatever value each sent and whoever was
    not found.
    """
    customers = [
        ADA,
        {"ticket": 1},
        {"ticket": 2},
        {"customer_id": "eve"},
        {"customer_id": "mallory"},
    ]
    misspelt, unknown = errors_of(client, customers)
    assert (misspelt["position"], misspelt["positions"], misspelt["count"]) == (1, [1, 2], 2)
    assert (misspelt["status"], misspelt["errors"][0]["value"]) == (422, 1)
    assert "perhaps 'tickets'" in misspelt["errors"][0]["allowed"]
    assert (unknown["status"], unknown["positions"], unknown["customer_id"]) == (404, [3, 4], "eve")


def test_errors_of_a_batch_are_bounded(client):
    """However many kinds there are, the answer is shorter than the request."""
    customers = [{f"wrong_{number}_{place}": 1 for place in range(21)} for number in range(400)]
    errors = errors_of(client, customers)
    assert len(errors) == KINDS_MAX + 1
    assert errors[-1]["count"] == 400 - KINDS_MAX
    assert len(errors[-1]["positions"]) == POSITIONS_MAX
    answer = client.post("/predict/batch", json={"customers": customers})
    assert len(answer.content) < len(answer.request.content)


def test_work_gives_way_after_a_slice(monkeypatch):
    """It pauses, so that the event loop's thread runs, as often as slices are used up."""
    pauses: list[float] = []
    monkeypatch.setattr(background.time, "sleep", pauses.append)
    clock = iter([0.0, 0.0001, 0.0006, 0.0006, 0.0007])
    monkeypatch.setattr(background.time, "perf_counter", lambda: next(clock))
    turn = Turn()
    turn.give_way()
    assert pauses == []
    turn.give_way()
    turn.give_way()
    assert pauses == [background.PAUSE_SECONDS]


def test_a_client_that_hung_up_ends_the_work():
    """The thread ends at its next pause, and what waits behind it begins."""
    ended = threading.Event()

    def endless(give_way) -> None:
        try:
            while True:
                give_way()
                time.sleep(0)
        except HungUp:
            ended.set()
            raise

    async def gone() -> dict:
        return {"type": "http.disconnect"}

    async def patient() -> dict:
        await asyncio.Event().wait()
        return {}

    async def asked() -> str:
        batches = Background()
        with pytest.raises(HungUp):
            await batches.run(gone, endless)
        answer = await batches.run(patient, lambda give_way: "the next")
        batches.close()
        return answer

    assert asyncio.run(asked()) == "the next"
    assert ended.is_set()


def test_a_batch_that_is_given_up_is_not_logged(client, tmp_path, monkeypatch):
    """Nothing of it was answered, so nothing of it is counted either."""

    def give_up(self) -> None:
        raise HungUp("the client hung up")

    monkeypatch.setattr(Turn, "give_way", give_up)
    assert client.post("/predict/batch", json={"customers": [ADA]}).status_code == 408
    segments = list((tmp_path / "state" / "log" / "tiny").glob("*.open"))
    assert [record for segment in segments for record in read_segment(segment)] == []
    assert client.get("/ab-test/stats").json()["arms"][0]["predictions"] == 0


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
