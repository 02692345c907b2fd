"""Every error is a problem, and one of our own shows nothing."""

import pytest

from churn_platform_tests.support.invariants import invariant

ADA = {"customer_id": "C00001"}


PROBLEMS = [
    ("GET", "/nowhere", 404),
    ("GET", "/predict", 405),
    ("GET", "/schema/nothing", 404),
    ("GET", "/schema/assets/nothing.js", 404),
    ("GET", "/customers/nobody", 404),
    ("GET", "/models/99/card", 404),
    ("GET", "/models/x/card", 404),
    ("GET", f"/models/{300 * '9'}/card", 404),
    ("GET", "/view_report", 404),
    ("GET", "/nowhere/models", 404),
    ("POST", "/predict", 400),
    ("POST", "/predict/batch", 400),
    ("POST", "/explain", 400),
    ("POST", "/features/push", 400),
]


@pytest.mark.parametrize(("method", "path", "status"), PROBLEMS)
@invariant(
    "Service", "Every error is problem+json, below `/v2` that of the open inference protocol."
)
def test_every_error_has_one_shape(client, method, path, status):
    """problem+json with type, title, status and detail, and the security headers, whatever went
    wrong.
    """
    response = client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= set(response.json())
    assert response.json()["status"] == status
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "x-request-id" in response.headers


@invariant("Service", "An internal failure shows nothing of the inside.")
def test_a_failure_of_our_own_shows_nothing(client, monkeypatch, caplog):
    """A 500 tells no traceback and no text of the error; the log has both, with
    the request's id.
    """

    def fail(*_: object) -> None:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr("serving.answer.dataplane.Dataplane.predict", fail)
    response = client.post("/predict", json=ADA)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.text and "Traceback" not in response.text
    assert "secret of the inside" in caplog.text
