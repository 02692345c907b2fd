"""`GET /ab-test/stats` shows the experiment that is live, and a bad challenger goes by itself."""

from churn_platform.published.experiment import Limits
from churn_platform_tests.serving.conftest import settings_in
from churn_platform_tests.serving.traffic.test_counts import serving
from churn_platform_tests.support.served_bundles import PEOPLE, publish
from churn_platform_tests.support.trials import start_trial
from churn_platform_tests.support.waiting import eventually
from serving.loading.bundles import Model


def ask_everyone(client) -> list[int]:
    """The status of an answer to each customer."""
    bodies = [{"customer_id": str(name)} for name in PEOPLE.customer_ids]
    return [client.post("/predict", json=body).status_code for body in bodies]


def experiment(client) -> dict:
    """The live side."""
    return client.get("/ab-test/stats").json()["experiment"]


def test_without_an_experiment_there_is_none_to_show(client):
    """null, beside the counts of the versions."""
    assert experiment(client) is None


def test_arms_and_limits_are_shown_over_restarts_and_resets(tmp_path, booster, linear):
    """Counts of the arms go on after a restart, and a reset of the versions' counts leaves them."""
    root = publish(tmp_path / "published", booster)
    trial = start_trial(root, linear, 0.5, signals=Limits(decision_shift=0.9))
    for _ in range(2):
        with serving(settings_in(tmp_path)) as client:
            assert set(ask_everyone(client)) == {200}
            client.post("/ab-test/reset")
            shown = experiment(client)
    counts = {arm["arm"]: (arm["answers"], arm["errors"]) for arm in shown["arms"]}
    assert counts["challenger"][0] + counts["control"][0] == 2 * len(PEOPLE.customer_ids)
    assert (counts["challenger"][1], counts["control"][1]) == (0, 0)
    assert (shown["start_id"], shown["step"]) == (trial.start_id, "slice")
    assert {limit["kind"] for limit in shown["limits"]} == {"guardrail", "signal"}
    assert not any(limit["is_breached"] for limit in shown["limits"])
    assert shown["dropped"] is None


def test_a_bad_challenger_goes_without_a_failed_request(
    start, tmp_path, booster, linear, monkeypatch
):
    """The service looks by itself; stats say why, and the champion has all customers."""
    root = publish(tmp_path / "published", booster)
    start_trial(root, linear, 0.5, guardrails=Limits(decision_shift=0.0, same_scores=0.0))
    client = start()
    sound = Model.churn_probabilities
    monkeypatch.setattr(
        Model,
        "churn_probabilities",
        lambda self, rows: [0.99] * len(rows) if self.version == 2 else sound(self, rows),
    )
    assert set(ask_everyone(client)) == {200}
    eventually(lambda: experiment(client)["dropped"] is not None)
    assert "version 2: same_scores" in experiment(client)["dropped"]
    arms = client.get("/ab-test/stats").json()["arms"]
    assert [arm["model_version"] for arm in arms] == [1]
