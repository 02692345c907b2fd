"""What dagster-dbt need not do before each call of dbt."""

import sys

import pytest

from churn_platform.graph.dbt import dbt_cli, prepared_project
from churn_platform.settings import load_settings
from churn_platform_tests.support.data_folders import fill_data_folder


@pytest.fixture
def project(tmp_path):
    """The parsed project in a data folder."""
    settings = load_settings(data_dir=tmp_path)
    fill_data_folder(settings)
    return prepared_project(settings)


def test_dbt_is_called_without_an_adapter(project, tmp_path):
    """An adapter in this process would parse all macros, for seconds; the version is known without
    dbt, too.
    """
    called = dbt_cli(project).cli(["--version"], target_path=tmp_path / "target").wait()
    assert called.adapter is None
    assert called.dbt_command.startswith(f"{sys.prefix}/bin/dbt ")
    assert called.cli_version.major == 1
