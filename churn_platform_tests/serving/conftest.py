"""A running service on the tiny portfolio."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from churn_platform.published.format import (
    MANIFEST_FILE,
    features_dir,
    model_dir,
)
from churn_platform.training.model import ChurnModel
from churn_platform_tests.support.served_bundles import MONTH, publish
from churn_platform_tests.support.tiny import fit_tiny
from serving.answer.dataplane import Dataplane
from serving.app import create_app
from serving.registry import Registry, load_portfolio
from serving.security.api_keys import add_key
from serving.service_metrics import ServiceMetrics
from serving.settings import ServiceSettings

ABSENT = object()
Start = Callable[..., TestClient]


@pytest.fixture(scope="session")
def booster() -> ChurnModel:
    """The model that most tests serve."""
    return fit_tiny("xgboost")


@pytest.fixture(scope="session")
def linear() -> ChurnModel:
    """Another model, with other scores."""
    return fit_tiny("logistic_regression")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts services on this test's folder; all are stopped at its end."""
    with ExitStack() as running:

        def started(**overrides: object) -> TestClient:
            settings = settings_in(tmp_path, **overrides)
            client = TestClient(
                create_app(settings), base_url="http://127.0.0.1", raise_server_exceptions=False
            )
            return running.enter_context(client)

        yield started


def settings_in(folder: Path, **overrides: object) -> ServiceSettings:
    """Settings of a service whose files lie in a folder, and which looks often for news."""
    given: dict[str, object] = {
        "published_dir": folder / "published",
        "state_dir": folder / "state",
        "poll_seconds": 0.02,
    }
    return ServiceSettings(**given | overrides)  # type: ignore[arg-type]


@pytest.fixture
def client(start: Start, tmp_path: Path, booster: ChurnModel) -> TestClient:
    """The tiny portfolio, version 1, served."""
    publish(tmp_path / "published", booster)
    return start()


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory, booster: ChurnModel) -> Path:
    """A portfolio's folder as it is published; tests copy it."""
    return publish(tmp_path_factory.mktemp("good"), booster)


@pytest.fixture
def root(good: Path, tmp_path: Path) -> Path:
    """The folder of a portfolio that a test may spoil."""
    return shutil.copytree(good, tmp_path / "published" / "tiny", symlinks=True)


def load(root: Path) -> None:
    """Load the portfolio as a worker does."""
    load_portfolio(root, None, key="k", copies=root.parent / "copies")


def change(path: Path, *place: str | int, to: Any) -> None:
    """Write another value into a JSON file."""
    content = json.loads(path.read_bytes())
    *parents, last = place
    inside = content
    for step in parents:
        inside = inside[step]
    if to is ABSENT:
        del inside[last]
    else:
        inside[last] = to
    path.write_text(json.dumps(content))


def model_manifest(root: Path) -> Path:
    """The manifest of version 1."""
    return model_dir(root, 1) / MANIFEST_FILE


def month_manifest(root: Path) -> Path:
    """The manifest of the month."""
    return features_dir(root, MONTH) / MANIFEST_FILE


@pytest.fixture
def plane(root: Path, tmp_path: Path) -> Iterator[Dataplane]:
    """The service without HTTP on that folder; nothing is loaded yet."""
    settings = settings_in(tmp_path)
    metrics = ServiceMetrics(settings.experiments_dir)
    registry = Registry(
        settings.published_dir,
        copies_dir=tmp_path / "copies",
        default="",
        traffic_key="k",
        metrics=metrics,
    )
    plane = Dataplane(settings, registry, metrics, worker="w1")
    yield plane
    plane.close()


def post(client, path, body):
    """The answer's JSON, which must be a 200."""
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture
def key(tmp_path, booster):
    """Makes keys for a service on the portfolios `other` and `tiny`, of which `other` is the
    default.
    """
    for name in ("other", "tiny"):
        publish(tmp_path / "published", booster, name=name)

    def made(**options: object) -> dict[str, str]:
        given = {"name": "crm", "scopes": ["score"], "created_at": "2026-01-01"} | options
        return {"x-api-key": add_key(settings_in(tmp_path).keys_file, **given)}  # type: ignore[arg-type]

    return made
