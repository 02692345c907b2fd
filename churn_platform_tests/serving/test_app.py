"""What the service starts with, and what it refuses to start with."""

import logging
import os

import pytest

from churn_platform_tests.serving.conftest import settings_in
from churn_platform_tests.support.invariants import invariant
from serving.app import create_app
from serving.errors import ServiceSettingsError

ADA = {"customer_id": "C00001"}


def test_open_to_the_network_needs_a_key(tmp_path):
    """Without a key the service starts on loopback only, and says so loudly there."""
    with pytest.raises(ServiceSettingsError, match="there is no API key"):
        create_app(settings_in(tmp_path, host="0.0.0.0"))


def test_open_on_loopback_is_said_loudly(tmp_path, caplog):
    """A warning at the start."""
    with caplog.at_level(logging.WARNING, "serving"):
        create_app(settings_in(tmp_path))
    assert "OPEN: there is no API key" in caplog.text


@invariant("Service", "No answer goes out unlogged.")
def test_an_unlogged_answer_is_not_given(client, tmp_path, monkeypatch):
    """Where the log cannot take the record: 503, not ready, and no answer; afterwards all is well
    again.
    """
    assert client.post("/predict", json=ADA).status_code == 200
    real, full = os.write, OSError(28, "No space left on device")

    def write(descriptor: int, data: bytes) -> int:
        if b"C00001" in data:
            raise full
        return real(descriptor, data)

    monkeypatch.setattr("os.write", write)
    response = client.post("/predict", json=ADA)
    assert response.status_code == 503
    assert "churn_probability" not in response.text
    monkeypatch.setattr("os.write", real)
    assert client.post("/predict", json=ADA).status_code == 200
