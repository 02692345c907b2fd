"""The short way of a prediction: nobody can tell it from Litestar's own, but by the clock."""

import pytest

from churn_platform_tests.serving.conftest import settings_in
from churn_platform_tests.support.served_bundles import publish
from serving.http.authorisation import NEEDS
from serving.http.routes import PREDICTION
from serving.http.scoring_routes import ScoringController
from serving.security.api_keys import add_key

LONG_WAY = {"origin": "http://127.0.0.1"}  # what comes from a browser takes it
CHANGING = {"x-request-id", "content-length"}
BODIES = [
    b'{"customer_id": "C00001"}',
    b'{"customer_id": "C00001", "tickets": 3}',
    b'{"customer_id": "nobody"}',
    b'{"customer_id": "C00001", "customer_id": "C00002"}',
    b'{"customer_id": "C00001", "tickets": "many"}',
    b'{"nothing": 1}',
    b"not json",
    b"",
    b"x" * 400,
]


def told(response) -> tuple:
    """All of an answer that does not change from one request to the next."""
    body = response.json()
    shown = {
        name: value for name, value in body.items() if name not in ("request_id", "latency_ms")
    }
    headers = {name: value for name, value in response.headers.items() if name not in CHANGING}
    return response.status_code, headers, shown


@pytest.mark.parametrize(
    "path",
    ["/predict", "/tiny/predict", "/nowhere/predict", "//predict", "/predict/", "/a/b/predict"],
)
@pytest.mark.parametrize("body", BODIES)
def test_both_ways_answer_alike(start, tmp_path, booster, path, body):
    """Status, headers and body, of answers as of errors."""
    publish(tmp_path / "published", booster)
    client = start(body_bytes_max=300)
    headers = {"content-type": "application/json"}
    short, long = (
        client.post(path, content=body, headers=headers | more) for more in ({}, LONG_WAY)
    )
    assert told(short) == told(long)


def test_both_ways_count_alike(client):
    """In metrics of answers and of errors."""
    for headers in ({}, LONG_WAY):
        for customer in ("C00001", "nobody"):
            client.post("/predict", json={"customer_id": customer}, headers=headers)
    text = client.get("/metrics").text
    assert 'predictions_total{arm="champion",model_version="1",portfolio="tiny"} 2.0' in text
    assert 'request_errors_total{status="404"} 2.0' in text


@pytest.mark.parametrize("headers", [{}, LONG_WAY])
def test_a_refused_request_counts_once_against_the_rate(start, tmp_path, booster, headers):
    """An error goes from the short way to the long one, and the gate lets it through but once."""
    publish(tmp_path / "published", booster)
    path = settings_in(tmp_path).keys_file
    key = add_key(
        path, name="slow", scopes=["score"], created_at="2026-01-01", requests_per_second=0.02
    )
    send = {"x-api-key": key} | headers
    client = start()
    statuses = [
        client.post("/predict", json={"customer_id": "nobody"}, headers=send).status_code
        for _ in range(2)
    ]
    assert statuses == [404, 429]


def test_both_ways_ask_the_same_scope_of_a_key(start, tmp_path, booster):
    """A key for something else opens neither."""
    publish(tmp_path / "published", booster)
    path = settings_in(tmp_path).keys_file
    key = add_key(path, name="feed", scopes=["push"], created_at="2026-01-01")
    client = start()
    body = {"customer_id": "C00001"}
    answers = [
        client.post("/predict", json=body, headers={"x-api-key": key} | headers)
        for headers in ({}, LONG_WAY)
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert ScoringController.predict.opt[NEEDS] == PREDICTION
