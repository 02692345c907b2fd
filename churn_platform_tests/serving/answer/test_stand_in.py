"""A challenger that fails does not fail a request."""

import json

import numpy as np
import pytest

from churn_platform.published.live_file import direct_traffic
from churn_platform_tests.serving.traffic.test_watch import fail
from churn_platform_tests.support.served_bundles import PEOPLE, publish_version
from churn_platform_tests.support.trials import start_trial
from serving.answer.batch import predict_batch
from serving.answer.explanation import explain
from serving.errors import InvalidRequest, NotFound
from serving.security.callers import ANYBODY

IDS = [str(name) for name in PEOPLE.customer_ids[:20]]


@pytest.fixture
def failing(plane, root, linear):
    """Half of the customers are dealt to a challenger that answers nobody."""
    start_trial(root, linear, 0.5)
    plane.registry.refresh()
    plane.registry.get("tiny").models[2].churn_probabilities = fail
    return plane


def errors(plane) -> float:
    """What was counted of the challenger."""
    return plane.metrics.challenger_errors.labels("tiny", "2")._value.get()


def test_a_batch_is_answered_whole(failing):
    """Each customer by the champion, and those of the challenger are counted as its errors."""
    customers = [{"customer_id": name} for name in IDS]
    body = json.dumps({"customers": customers}).encode()
    answer = predict_batch(failing, "tiny", body, "r1", ANYBODY, lambda: None)
    assert {one.model_version for one in answer.predictions} == {1}
    assert not answer.errors
    assert 0 < errors(failing) < len(IDS)


def test_customers_and_explanations_are_answered(failing):
    """By the champion, with the champion's features and reasons."""
    for place, name in enumerate(IDS):
        assert failing.customer("tiny", name, f"r{place}").score.model_version == 1
        body = json.dumps({"customer_id": name, "what_if": {"tickets": 0}}).encode()
        assert explain(failing, "tiny", body, f"e{place}", ANYBODY).score.model_version == 1
    assert errors(failing) > 0


def test_a_score_that_is_no_number_is_an_error(plane, root, linear):
    """No tier holds it."""
    start_trial(root, linear, 0.5)
    plane.registry.refresh()
    plane.registry.get("tiny").models[2].churn_probabilities = lambda rows: [np.nan] * len(rows)
    for place, name in enumerate(IDS):
        body = json.dumps({"customer_id": name}).encode()
        assert plane.predict("tiny", body, f"r{place}", ANYBODY).model_version == 1
    assert errors(plane) > 0


def test_what_the_champion_refuses_too_is_no_error_of_the_challenger(failing):
    """The request's own fault stays one."""
    for number in range(20):
        with pytest.raises(NotFound):
            body = json.dumps({"customer_id": f"nobody{number}"}).encode()
            failing.predict("tiny", body, "r1", ANYBODY)
        with pytest.raises(InvalidRequest):
            body = json.dumps({"customer_id": IDS[0], "tickets": -number - 1}).encode()
            failing.predict("tiny", body, "r1", ANYBODY)
    assert errors(failing) == 0


def test_a_challenger_without_an_experiment_is_stood_in_for_too(plane, root, linear, caplog):
    """And its first failure is logged with its traceback, the others counted."""
    publish_version(root, 2, linear)
    direct_traffic(root, challenger=2, weight=0.5)
    plane.registry.refresh()
    plane.registry.get("tiny").models[2].churn_probabilities = fail
    for place, name in enumerate(IDS):
        body = json.dumps({"customer_id": name}).encode()
        assert plane.predict("tiny", body, f"r{place}", ANYBODY).model_version == 1
    assert errors(plane) > 1
    assert caplog.text.count("challenger failed") == 1
    assert "no such operator" in caplog.text


def test_a_shadow_that_refuses_a_request_fails_none(plane, root, linear, monkeypatch):
    """Its catalogue may allow less than the champion's."""
    start_trial(root, linear, 0.0)
    plane.registry.refresh()
    shadow = plane.registry.get("tiny").models[2]
    monkeypatch.setattr(shadow.catalogue, "read", lambda *_, **__: fail())
    body = json.dumps({"customer_id": IDS[0], "tickets": 3}).encode()
    assert plane.predict("tiny", body, "r1", ANYBODY).model_version == 1
    assert errors(plane) == 1
