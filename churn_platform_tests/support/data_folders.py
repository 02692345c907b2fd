"""What a data folder has before anything has run: DuckDB's extensions, dbt's parsed project and
MLflow's tables. Each costs seconds to make, so it is made once and copied.
"""

import os
import pprint
import shutil
from argparse import Namespace
from functools import partial
from pathlib import Path
from unittest import mock

from dbt.artifacts.resources import FileHash
from dbt.config.runtime import load_profile
from dbt.contracts.graph.manifest import Manifest
from dbt.flags import set_from_args
from dbt.parser.manifest import extended_mashumuro_decoder
from dbt_common.context import set_invocation_context

from churn_platform.graph.dbt_lineage import FOLDER as LINEAGE
from churn_platform.graph.dbt_profile import dbt_environment
from churn_platform.graph.dbt_project import COPY, dbt_folder, dbt_project_dir, prepared_project
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.portfolios.loader import load_recipe
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings, load_settings
from churn_platform.warehouse.extensions import install_extensions
from churn_platform.warehouse.lake import Lake
from churn_platform_tests.support.shared import shared

PARSED = "partial_parse.msgpack"
CONNECTION = "connection"  # the checksum by which the shared parse knows its connection


def shared_extensions() -> Path:
    """The folder with DuckDB's extensions."""
    return shared("extensions", install_extensions)


def empty_mlflow() -> Path:
    """A folder with `mlflow.db`, which has MLflow's tables and no run."""
    return shared("mlflow", _make_mlflow)


def fill_data_folder(settings: Settings) -> None:
    """Give a new data folder what its first command would spend seconds on."""
    settings.root.mkdir(parents=True, exist_ok=True)
    (settings.root / "duckdb_extensions").symlink_to(shared_extensions())
    shutil.copy(empty_mlflow() / "mlflow.db", settings.root)
    recipe = load_recipe("telecomit")
    parsed = _parsed(recipe)
    target = dbt_folder(settings, recipe.name)
    shutil.copytree(_folder_of(recipe), target)
    # What one test has worked out of the models' columns, the next need not.
    lineage = parsed / LINEAGE
    lineage.mkdir(exist_ok=True)
    (target / LINEAGE).symlink_to(lineage)
    # dbt parses the project anew for a connection that its last parse does not know. Which one it
    # knows is noted: the parse may have been made for a lake elsewhere.
    known, own = (parsed / CONNECTION).read_text(), _connection(settings)
    content = (target / PARSED).read_bytes()
    (target / PARSED).write_bytes(content.replace(known.encode(), own.encode()))


def project_copy(portfolio: Portfolio) -> Path:
    """The portfolio's dbt project; it is only read."""
    return _folder_of(portfolio) / COPY


def parsed_project(portfolio: Portfolio) -> Manifest:
    """The portfolio's parsed dbt project, as dbt in this process takes it."""
    content = (_folder_of(portfolio) / PARSED).read_bytes()
    manifest = Manifest.from_msgpack(content, decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()
    return manifest


def _folder_of(portfolio: Portfolio) -> Path:
    return dbt_folder(_settings_in(_parsed(portfolio)), portfolio.name)


def _parsed(portfolio: Portfolio) -> Path:
    return shared(f"parsed_{portfolio.name}", partial(_parse_project, portfolio))


def _settings_in(folder: Path) -> Settings:
    return load_settings(data_dir=folder)


def _make_mlflow(folder: Path) -> None:
    Tracking.of(_settings_in(folder)).client().search_experiments()


def _parse_project(portfolio: Portfolio, folder: Path) -> None:
    settings = _settings_in(folder)
    with mock.patch.dict(os.environ):
        prepared_project(portfolio, settings)
    (folder / CONNECTION).write_text(_connection(settings))


def _connection(settings: Settings) -> str:
    """The checksum by which dbt knows a connection."""
    set_invocation_context(os.environ | dbt_environment(Lake.of(settings)))
    project = str(dbt_project_dir())
    set_from_args(Namespace(profiles_dir=project), None)
    credentials = load_profile(project, {}).credentials
    told = pprint.pformat(sorted(credentials.connection_info()))
    return FileHash.from_contents(told).checksum
