"""One small world that the tests of this folder read, and a shorthand to simulate others."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from churn_platform.simulator import SimulationConfig, simulate


@pytest.fixture(scope="session")
def make_world(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Simulates a world and returns its folder, with `landing` and `truth` inside; small unless
    told otherwise.
    """

    def make(**changes: object) -> Path:
        folder = tmp_path_factory.mktemp("world")
        settings = {
            "customers": 1500,
            "first_month": date(2025, 1, 1),
            "months": 3,
            "seed": 7,
            "calls_per_customer": 10,
        }
        simulate(
            SimulationConfig.model_validate(settings | changes),
            folder / "landing",
            folder / "truth",
        )
        return folder

    return make


@pytest.fixture(scope="session")
def small_world(make_world: Callable[..., Path]) -> Path:
    """1,500 customers over three months, undisturbed."""
    return make_world()


@pytest.fixture(scope="session")
def large_world(make_world: Callable[..., Path]) -> Path:
    """20,000 customers over eight months with little traffic, undisturbed: for rates and ranks."""
    return make_world(customers=20_000, months=8, calls_per_customer=3)


@pytest.fixture
def query(small_world: Path) -> Callable[[str], list[tuple]]:
    """Runs SQL on the small world; every landed table of all months is a view, as is `truth`, with
    a `month` column.
    """
    return reader(small_world)


def reader(folder: Path) -> Callable[[str], list[tuple]]:
    """SQL on the files of a world."""
    connection = duckdb.connect()
    tables = {
        path.name: f"{path}/*.parquet" for path in (folder / "landing" / "telecomit").iterdir()
    }
    for name, pattern in (tables | {"truth": f"{folder}/truth/*.parquet"}).items():
        connection.execute(
            f"create view {name} as select *, parse_filename(filename, true) as month"
            f" from read_parquet('{pattern}', filename = true)"
        )
    return lambda sql: connection.execute(sql).fetchall()
