"""Explanations: reasons, effects and what other values would do."""

import pytest

from churn_platform.published.prediction_log import read_segment

SENT = {"usage": 1.0, "tickets": 5, "is_late": True, "plan": "prepaid"}


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
