"""Waits of a stream take no time in tests."""

import pytest
from tenacity import wait_none

from churn_platform.streams import stream


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next try follows at once."""
    monkeypatch.setattr(stream, "wait_exponential", lambda **_: wait_none())
