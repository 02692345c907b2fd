"""A running service on the tiny portfolio."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from litestar.testing import TestClient

from churn_platform.training.model import ChurnModel
from churn_platform_tests.support.served_bundles import publish
from churn_platform_tests.support.tiny import fit_tiny
from serving.app import create_app
from serving.settings import ServiceSettings

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
