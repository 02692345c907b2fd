"""The service's own log lines name no customer."""

import logging
from types import SimpleNamespace

import pytest

from serving.answer import push
from serving.http.middleware import masked


def test_a_push_is_logged_without_the_customer(monkeypatch, caplog):
    """The line says which features came, not whose they are."""
    counter = SimpleNamespace(inc=lambda _: None)
    plane = SimpleNamespace(
        registry=SimpleNamespace(get=lambda _: SimpleNamespace(name="tiny")),
        settings=None,
        overlay=SimpleNamespace(put=lambda *_: None),
        metrics=SimpleNamespace(pushes=SimpleNamespace(labels=lambda _: counter)),
    )
    monkeypatch.setattr(push, "_read", lambda *_: ("C00001", {"tickets": 4}, 60.0))
    with caplog.at_level(logging.INFO):
        push.push(plane, None, b"{}", "r1")
    (record,) = caplog.records
    assert record.fields == {"portfolio": "tiny", "features": ["tickets"], "ttl_seconds": 60.0}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/customers/C00001", "/customers/*"),
        ("/tiny/customers/C00001/more", "/tiny/customers/*"),
        ("/predict", "/predict"),
    ],
)
def test_a_path_is_logged_without_the_customer(path, shown):
    """What stands behind `/customers/` is an id."""
    assert masked(path) == shown
