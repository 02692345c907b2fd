"""Lakes for the pipeline's tests: the project is parsed once, the literal world is built once."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from dbt.contracts.graph.manifest import Manifest

from churn_platform.portfolios.loader import load_recipe
from churn_platform.portfolios.spec import Portfolio
from churn_platform_tests.support.data_folders import parsed_project
from churn_platform_tests.support.literal_world import ROWS
from churn_platform_tests.support.small_disk import Disk, mounted
from churn_platform_tests.support.tiny_lake import TinyLake, tiny_lake


@pytest.fixture(scope="session")
def new_lake(tmp_path_factory: pytest.TempPathFactory, extensions: Path) -> Callable[..., TinyLake]:
    """Makes an empty lake of a portfolio, by default telecomit; its parsed dbt project and DuckDB's
    extensions are shared.
    """
    telecomit = load_recipe("telecomit")
    manifests: dict[str, Manifest] = {}

    def make(portfolio: Portfolio = telecomit) -> TinyLake:
        if portfolio.name not in manifests:
            manifests[portfolio.name] = parsed_project(portfolio)
        folder: Path = tmp_path_factory.mktemp("lake")
        lake = tiny_lake(folder, extensions)
        return TinyLake(lake, portfolio, manifests[portfolio.name])

    return make


@pytest.fixture(scope="session")
def world(new_lake: Callable[[], TinyLake]) -> TinyLake:
    """The literal world with November 2024 to March 2025 built; tests must leave it as it is."""
    lake = new_lake()
    lake.add(ROWS)
    lake.build_all(date(2024, 11, 1), date(2025, 4, 1))
    return lake


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small disk of the test's own."""
    with mounted(tmp_path / "disk") as made:
        yield made
