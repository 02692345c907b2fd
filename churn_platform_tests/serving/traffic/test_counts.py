"""What versions have answered, as shares with intervals."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from litestar.testing import TestClient

from churn_platform_tests.serving.conftest import settings_in
from churn_platform_tests.support.served_bundles import publish
from serving.app import create_app
from serving.traffic.counts import difference, wilson


def test_intervals_are_those_of_the_textbook():
    """Wilson's for 10 of 100; Newcombe's own example (1998, table II a): 56/70 against 48/80."""
    share = wilson(10, 100)
    assert (share.low, share.high) == (
        pytest.approx(0.0552, abs=1e-4),
        pytest.approx(0.1744, abs=1e-4),
    )
    gap = difference(80, 48, 70, 56)
    assert (gap.value, gap.low, gap.high) == (
        pytest.approx(0.2),
        pytest.approx(0.0524, abs=1e-4),
        pytest.approx(0.3339, abs=1e-4),
    )
    assert wilson(0, 0).value is None


SENT = {"usage": 1.0, "tickets": 5, "is_late": True, "plan": "prepaid"}


def test_a_damaged_reset_is_taken_for_none(client, tmp_path, caplog):
    """Statistics answer all the same, a log line says so, and another reset mends it."""
    (tmp_path / "state" / "experiments" / "tiny" / "began").write_bytes(b"\xff" * 7 + b"\x7f")
    stats = client.get("/ab-test/stats")
    assert (stats.status_code, stats.json()["since"]) == (200, None)
    assert "reset cannot be read" in caplog.text
    assert client.post("/ab-test/reset").json()["since"] is not None


def test_a_reset_that_cannot_be_written_is_said(client, tmp_path):
    """A 503 that names the folder, and the counts stay."""
    client.post("/predict", json=SENT)
    began = tmp_path / "state" / "experiments" / "tiny" / "began"
    began.unlink()
    began.mkdir()
    response = client.post("/ab-test/reset")
    assert (response.status_code, str(began.parent) in response.json()["detail"]) == (503, True)
    assert client.get("/ab-test/stats").json()["arms"][0]["predictions"] == 1


@pytest.mark.parametrize("is_reset", [True, False])
def test_an_experiment_goes_on_after_a_restart(tmp_path, booster, is_reset):
    """Neither negative after a reset nor begun anew without one; metrics begin anew, as Prometheus
    expects.
    """
    publish(tmp_path / "published", booster)
    settings = settings_in(tmp_path)
    with serving(settings) as client:
        for _ in range(4):
            client.post("/predict", json=SENT)
        if is_reset:
            client.post("/ab-test/reset")
    before = 0 if is_reset else 4
    with serving(settings) as client:
        assert told(client) == before
        for _ in range(6):
            client.post("/predict", json=SENT)
        assert told(client) == before + 6
        assert 'portfolio="tiny"} 6.0' in client.get("/metrics").text


def told(client) -> int:
    """The predictions of the champion, which its histogram and its intervals agree with."""
    (arm,) = client.get("/ab-test/stats").json()["arms"]
    assert sum(arm["churn_probability_histogram"].values()) == arm["predictions"]
    assert min(arm["churn_probability_histogram"].values()) == 0
    assert (arm["mean_churn_probability"]["value"] is None) == (arm["predictions"] == 0)
    return arm["predictions"]


def serving(settings) -> TestClient:
    """A service that ends with the block."""
    return TestClient(create_app(settings), base_url="http://127.0.0.1")


def test_two_resets_at_once_are_both_answered(client):
    """No draft of one is in the way of the other."""
    client.post("/predict", json=SENT)
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(client.post, "/ab-test/reset") for _ in range(80)]
        statuses = {one.result().status_code for one in asked}
    assert statuses == {200}
    assert told(client) == 0
