"""A full disk: the service says so, answers nobody unlogged, and comes back by itself."""

from churn_platform_tests.serving.storage.test_log_writer import files_of_at_most
from churn_platform_tests.support.served_bundles import publish
from churn_platform_tests.support.waiting import eventually

ADA = {"customer_id": "C00001"}
AVAILABLE = 'prediction_log_available{portfolio="tiny"}'


def test_a_full_disk_is_said_and_survived(client):
    """Ready turns 503 and the metric 0, though the process lives; with space again both recover
    without a request.
    """
    assert client.post("/predict", json=ADA).status_code == 200
    eventually(lambda: f"{AVAILABLE} 1.0" in client.get("/metrics").text)
    with files_of_at_most(10):
        answer = client.post("/predict", json=ADA)
        assert (answer.status_code, "churn_probability" in answer.text) == (503, False)
        for path in ("/health", "/health/ready"):
            response = client.get(path)
            assert response.status_code == 503
            assert "answers of tiny cannot be logged" in response.json()["detail"]
        assert client.get("/health/live").status_code == 200
        eventually(lambda: f"{AVAILABLE} 0.0" in client.get("/metrics").text)
    eventually(lambda: client.get("/health/ready").status_code == 200)
    eventually(lambda: f"{AVAILABLE} 1.0" in client.get("/metrics").text)
    assert client.post("/predict", json=ADA).status_code == 200


def test_a_batch_is_answered_whole_or_not_at_all_on_a_full_disk(client):
    """No part of it is answered when its records do not fit."""
    assert client.post("/predict", json=ADA).status_code == 200
    with files_of_at_most(10):
        answer = client.post("/predict/batch", json={"customers": [ADA, ADA]})
        assert (answer.status_code, "churn_probability" in answer.text) == (503, False)
    assert client.post("/predict/batch", json={"customers": [ADA, ADA]}).status_code == 200


def test_a_log_folder_that_cannot_be_written_at_the_start_is_said(start, tmp_path, booster):
    """The service starts, answers 503 and is not ready, until somebody mends the folder."""
    publish(tmp_path / "published", booster)
    folder = tmp_path / "state" / "log" / "tiny"
    folder.parent.mkdir(parents=True)
    folder.touch()
    client = start()
    assert client.post("/predict", json=ADA).status_code == 503
    assert "answers of tiny cannot be logged" in client.get("/health/ready").json()["detail"]
    folder.unlink()
    eventually(lambda: client.get("/health/ready").status_code == 200)
    assert client.post("/predict", json=ADA).status_code == 200


def test_a_push_onto_a_full_disk_is_refused(client):
    """What could not be kept is not said to be."""
    push = {"customer_id": "C00001", "features": {"tickets": 50}}
    with files_of_at_most(10):
        response = client.post("/features/push", json=push)
    assert response.status_code in (503, 507), response.text
    assert client.post("/predict", json=ADA).json()["pushed_features"] == []
    assert client.post("/features/push", json=push).status_code == 200
    assert client.post("/predict", json=ADA).json()["pushed_features"] == ["tickets"]


def test_a_damaged_store_of_pushes_does_not_keep_the_service_from_scoring(start, tmp_path, booster):
    """It starts, scores without what was pushed, and takes pushes again."""
    publish(tmp_path / "published", booster)
    store = tmp_path / "state" / "overlay" / "data.mdb"
    store.parent.mkdir(parents=True)
    store.write_bytes(b"damaged" * 2_000)
    client = start()
    assert client.post("/predict", json=ADA).json()["pushed_features"] == []
    push = ADA | {"features": {"tickets": 50}}
    assert client.post("/features/push", json=push).status_code == 200
    assert client.post("/predict", json=ADA).json()["pushed_features"] == ["tickets"]
