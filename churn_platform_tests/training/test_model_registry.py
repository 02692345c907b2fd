"""Models are logged without a needless warning, and a run is registered once."""

import warnings
from types import SimpleNamespace

import mlflow
import pytest
from mlflow.server.handlers import _validate_source_model
from mlflow.utils.warnings_utils import color_warning

from churn_platform.training.model_registry import aliases, log_model, register, version_named
from churn_platform_tests.promotion.conftest import add_version
from churn_platform_tests.support.tiny import customers, fit_tiny


def test_no_warning_asks_for_an_example(monkeypatch: pytest.MonkeyPatch):
    """The signature is given; another warning of MLflow is heard."""

    def as_mlflow_does(**_: object) -> SimpleNamespace:
        color_warning("An input example was not provided", stacklevel=1, color="yellow_bold")
        color_warning("something else", stacklevel=1, color="yellow_bold")
        return SimpleNamespace(model_uri="models:/1")

    monkeypatch.setattr(mlflow, "pyfunc", SimpleNamespace(log_model=as_mlflow_does))
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        log_model(fit_tiny("logistic_regression", seed=1), customers(5, seed=1).features)
    assert [str(each.message) for each in heard if "example" in str(each.message)] == []
    assert any("something else" in str(each.message) for each in heard)


def test_a_run_is_registered_once(tracking):
    """The same run keeps its number and becomes challenger again."""
    client, name = tracking.client(), "registered_once"
    for number in range(1, 5):
        add_version(client, name, auc=f"0.8{number}")
    first = version_named(client, name, 2)
    again = register(
        client,
        name,
        model_uri=first.source,
        run_id=first.run_id,
        description="none",
        tags={"month": "2025-03"},
    )
    assert again == 2
    assert aliases(client, name)["challenger"] == 2


def test_a_logged_model_is_registered_by_its_id(tracking, monkeypatch: pytest.MonkeyPatch):
    """A server of MLflow refuses its address alone, which a file of tracking takes."""
    client, uri, sent = tracking.client(), "models:/m-0123", {}

    def create(name: str, source: str, **given: object) -> SimpleNamespace:
        sent.update(given)
        _validate_source_model(source, str(given["model_id"]))
        return client_creates(name, "runs:/0/model", run_id=run_id)

    client_creates = client.create_model_version
    run_id = client.create_run("0").info.run_id
    monkeypatch.setattr(client, "create_model_version", create)
    register(
        client,
        "by_id",
        model_uri=uri,
        run_id=run_id,
        description="none",
        tags={"month": "2025-03"},
    )
    assert sent["model_id"] == "m-0123"
