"""A folder to onboard files in, and DuckDB's extensions, installed once."""

from pathlib import Path

import pytest

from churn_platform.warehouse.extensions import install_extensions
from churn_platform_tests.portfolios.onboarding_files import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty folder to onboard files in."""
    return Desk(tmp_path)


@pytest.fixture(scope="session")
def extensions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with DuckDB's extensions."""
    folder = tmp_path_factory.mktemp("extensions")
    install_extensions(folder)
    return folder
