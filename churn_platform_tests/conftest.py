"""What is expensive and shared: DuckDB's extensions, installed once, and fitted models."""

from pathlib import Path

import pytest
from hypothesis import settings

from churn_platform.training.model import ChurnModel
from churn_platform.training.tracking import Tracking
from churn_platform.warehouse.extensions import install_extensions
from churn_platform.warehouse.lake import Lake
from churn_platform_tests.pipeline.tiny_lake import tiny_lake
from churn_platform_tests.tiny import TINY, fit_tiny

settings.register_profile("suite", deadline=None, derandomize=True)  # busy machines; the same examples every time
settings.load_profile("suite")


@pytest.fixture(scope="session")
def extensions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with DuckDB's extensions."""
    folder = tmp_path_factory.mktemp("extensions")
    install_extensions(folder)
    return folder


@pytest.fixture
def lake(tmp_path: Path, extensions: Path) -> Lake:
    """A lake that does not exist yet."""
    return tiny_lake(tmp_path, extensions)


@pytest.fixture(scope="session", params=TINY.candidates)
def model(request: pytest.FixtureRequest) -> ChurnModel:
    """A fitted model of each algorithm."""
    return fit_tiny(request.param)


@pytest.fixture(scope="session")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Tracking:
    """One store for the session: its first connection takes seconds."""
    folder = tmp_path_factory.mktemp("mlflow")
    return Tracking(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}", artifact_location=(folder / "files").as_uri())
