"""Long work beside other requests: turns, and an end when nobody waits."""

import asyncio
import threading
import time

import pytest

from churn_platform.published.prediction_log import read_segment
from serving.errors import HungUp
from serving.http import background
from serving.http.background import Background, Turn

ADA = {"customer_id": "C00001"}


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
