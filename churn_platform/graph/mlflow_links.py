"""Links to MLflow's pages, where its address is one that a browser opens; else paths."""

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from dagster import MetadataValue

if TYPE_CHECKING:
    from mlflow import MlflowClient


def page_of(tracking_uri: str) -> str | None:
    """The address of MLflow's UI, without a password; None for a store in a file or database."""
    parts = urlsplit(tracking_uri)
    if parts.scheme not in ("http", "https"):
        return None
    _, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=host).geturl().rstrip("/")


def run_link(client: "MlflowClient", tracking_uri: str, run_id: str) -> dict[str, Any]:
    """Metadata that opens a run in MLflow; none where there is no page."""
    page = page_of(tracking_uri)
    if page is None:
        return {}
    return {"mlflow": MetadataValue.url(_run_page(client, page, run_id))}


def version_link(tracking_uri: str, portfolio: str, version: int) -> dict[str, Any]:
    """Metadata that opens a registered version in MLflow; none where there is no page."""
    page = page_of(tracking_uri)
    if page is None:
        return {}
    return {"mlflow_version": MetadataValue.url(f"{page}/#/models/{portfolio}/versions/{version}")}


def artifact_link(client: "MlflowClient", tracking_uri: str, run_id: str, name: str) -> Any:
    """A file of a run: its path where it lies in a folder, else MLflow's page of it."""
    page = page_of(tracking_uri)
    if page is not None:
        return MetadataValue.url(f"{_run_page(client, page, run_id)}/artifacts/{name}")

    folder = client.get_run(run_id).info.artifact_uri
    parts = urlsplit(folder)
    place = unquote(parts.path) if parts.scheme in ("", "file") else folder
    return MetadataValue.path(f"{place}/{name}")


def _run_page(client: "MlflowClient", page: str, run_id: str) -> str:
    experiment = client.get_run(run_id).info.experiment_id
    return f"{page}/#/experiments/{experiment}/runs/{run_id}"
