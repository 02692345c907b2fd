"""Batches, customers, explanations, pushes, models and reports."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from litestar.testing import TestClient
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

from churn_platform.published.format import model_dir
from churn_platform.published.prediction_log import read_segment
from churn_platform_tests.http.conftest import settings_in
from churn_platform_tests.support.served_bundles import PEOPLE, publish
from serving.app import create_app

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


def test_reasons_are_what_raises_the_risk(client):
    """Few gigabytes, many tickets, late, prepaid: each may be named, in the catalogue's sentences,
    at most three.
    """
    answer = client.post("/predict", json=SENT).json()
    sentences = {"Used 1 GB", "5 tickets", "Pays late: yes", "Plan: prepaid"}
    assert len(answer["reasons"]) == 3
    assert set(answer["reasons"]) <= sentences
    assert (
        client.post("/predict", json={**SENT, "usage": 99, "tickets": 0, "plan": "yearly"}).json()[
            "reasons"
        ]
        == []
    )


def test_an_explanation_adds_effects_and_what_if(client):
    """The effect is the fall of log-odds at the reference; a change is scored alone and with the
    others.
    """
    wanted = {"tickets": 0, "usage": 99}
    shown = client.post("/explain", json=SENT | {"what_if": wanted}).json()
    changed = [SENT | {"tickets": 0}, SENT | {"usage": 99}, SENT | wanted]
    assert [one["churn_probability"] for one in shown["what_if"]] == pytest.approx(
        [client.post("/predict", json=body).json()["churn_probability"] for body in changed],
        abs=1e-9,
    )
    for one in shown["contributions"]:
        at_reference = client.post(
            "/predict", json=SENT | {one["feature"]: one["reference"]}
        ).json()
        assert one["churn_probability_at_reference"] == pytest.approx(
            at_reference["churn_probability"], abs=1e-6
        )
    effects = [abs(one["effect_log_odds"]) for one in shown["contributions"]]
    assert effects == sorted(effects, reverse=True)


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


def test_models_are_listed_with_role_and_metrics(client, tmp_path):
    """The champion with its provenance; its card once there is one."""
    (shown,) = client.get("/models").json()["models"]
    assert (shown["version"], shown["role"], shown["metrics"], shown["card"]) == (
        1,
        "champion",
        {"auc": 0.8},
        None,
    )
    assert client.get("/models/1/card").status_code == 404
    (model_dir(tmp_path / "published" / "tiny", 1) / "model_card.html").write_text("<h1>card</h1>")
    assert client.get("/models").json()["models"][0]["card"] == "/tiny/models/1/card"
    assert client.get("/models/1/card").text == "<h1>card</h1>"


def test_models_are_listed_though_their_files_are_gone_or_broken(client, tmp_path):
    """What is in memory is told from memory; a bundle that cannot be read is left out and sinks
    nobody.
    """
    models = tmp_path / "published" / "tiny" / "models"
    (models / "2").mkdir()
    (models / "2" / "manifest.json").write_bytes(b'{"portfolio": "\xff"}')
    assert [model["version"] for model in client.get("/models").json()["models"]] == [1]
    models.rename(models.with_name("gone"))
    assert [model["version"] for model in client.get("/models").json()["models"]] == [1]


def test_the_newest_report_is_shown(client, tmp_path):
    """404 before there is one; then the newest month's, shut off from the service's own origin."""
    assert client.get("/view_report").status_code == 404
    for month in ("2025-01", "2025-02"):
        folder = tmp_path / "published" / "tiny" / "reports" / month
        folder.mkdir(parents=True)
        (folder / "drift.html").write_text(month)
    response = client.get("/view_report")
    assert (response.text, response.headers["content-type"]) == (
        "2025-02",
        "text/html; charset=utf-8",
    )
    assert response.headers["content-security-policy"].startswith("sandbox")


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


def test_metrics_count_what_was_answered(client):
    """Predictions, outcomes, scores, latency and missing values under their usual names."""
    for tickets in (0, 5):
        client.post("/predict", json=SENT | {"tickets": tickets, "usage": None})
    client.post("/predict", json={"tickets": -1})
    response = client.get("/metrics")
    assert response.headers["content-type"] == CONTENT_TYPE_PLAIN_1_0_0
    text = response.text
    arm = 'arm="champion",model_version="1",portfolio="tiny"'
    assert f"predictions_total{{{arm}}} 2.0" in text
    assert f"prediction_latency_seconds_count{{{arm}}} 2.0" in text
    assert f"churn_score_count{{{arm}}} 2.0" in text
    assert 'feature_null_total{feature="usage",portfolio="tiny"} 2.0' in text
    assert 'request_errors_total{status="422"} 1.0' in text
    assert 'model_reloads_total{portfolio="tiny"} 1.0' in text
    assert 'prediction_log_available{portfolio="tiny"} 1.0' in text


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


def test_reading_and_explaining_is_no_prediction_of_the_experiment(client, tmp_path):
    """Both are logged, since a score was told, but only the prediction is counted."""
    ada = {"customer_id": "C00001"}
    for response in (
        client.post("/predict", json=ada),
        client.get("/customers/C00001"),
        client.post("/explain", json=ada),
    ):
        assert response.status_code == 200
    assert client.get("/ab-test/stats").json()["arms"][0]["predictions"] == 1
    arm = 'arm="champion",model_version="1",portfolio="tiny"'
    assert f"predictions_total{{{arm}}} 1.0" in client.get("/metrics").text
    (segment,) = (tmp_path / "state" / "log" / "tiny").glob("*.open")
    assert len(list(read_segment(segment))) == 3
