"""MLflow's pages, where a browser can open them."""

from types import SimpleNamespace
from typing import Any

import pytest

from churn_platform.graph.mlflow_links import artifact_link, page_of, run_link, version_link

URL = "https://user:secret@mlflow.example/base/"


def client(artifact_uri: str = "file:///data/my%20runs/7/artifacts") -> Any:
    """A tracking store with one run, of experiment 7."""
    info = SimpleNamespace(experiment_id="7", artifact_uri=artifact_uri)
    return SimpleNamespace(get_run=lambda run_id: SimpleNamespace(info=info))


def test_a_server_is_linked_without_its_password():
    """The UI shows links to everybody."""
    assert run_link(client(), URL, "abc")["mlflow"].value == (
        "https://mlflow.example/base/#/experiments/7/runs/abc"
    )
    assert version_link(URL, "mine", 3)["mlflow_version"].value == (
        "https://mlflow.example/base/#/models/mine/versions/3"
    )
    assert artifact_link(client(), URL, "abc", "card.html").value.endswith(
        "/runs/abc/artifacts/card.html"
    )


@pytest.mark.parametrize("store", ["sqlite:///mlflow.db", "postgresql://u:p@db/mlflow"])
def test_a_store_without_a_page_has_no_links(store: str):
    """A path is shown instead, if there is one."""
    assert page_of(store) is None
    assert run_link(client(), store, "abc") == {}
    assert version_link(store, "mine", 3) == {}
    found = artifact_link(client(), store, "abc", "card.html")
    assert found.value == "/data/my runs/7/artifacts/card.html"
    found = artifact_link(client("s3://bucket/7"), store, "abc", "card.html")
    assert found.value == "s3://bucket/7/card.html"
