"""Lakes for the pipeline's tests: the project is parsed once, the literal world is built once."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from churn_platform.portfolios.loader import load_portfolios
from churn_platform_tests.support.data_folders import parsed_project
from churn_platform_tests.support.literal_world import ROWS
from churn_platform_tests.support.tiny_lake import TinyLake, tiny_lake


@pytest.fixture(scope="session")
def new_lake(tmp_path_factory: pytest.TempPathFactory, extensions: Path) -> Callable[[], TinyLake]:
    """Makes an empty lake; the parsed dbt project and DuckDB's extensions are shared."""
    portfolio = load_portfolios(tmp_path_factory.mktemp("no_portfolios"))["telecomit"]
    manifest = parsed_project()

    def make() -> TinyLake:
        folder: Path = tmp_path_factory.mktemp("lake")
        return TinyLake(tiny_lake(folder, extensions), portfolio, manifest)

    return make


@pytest.fixture(scope="session")
def world(new_lake: Callable[[], TinyLake]) -> TinyLake:
    """The literal world with November 2024 to March 2025 built; tests must leave it as it is."""
    lake = new_lake()
    lake.add(ROWS)
    lake.build_all(date(2024, 11, 1), date(2025, 4, 1))
    return lake
