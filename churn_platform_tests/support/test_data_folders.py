"""Data folders that have what their first command would spend seconds on."""

from churn_platform.graph.dbt_in_process import DbtInvocation
from churn_platform.graph.dbt_profile import dbt_environment
from churn_platform.graph.dbt_project import dbt_folder, folder_options
from churn_platform.portfolios.loader import load_recipe
from churn_platform.settings import load_settings
from churn_platform.warehouse.lake import Lake
from churn_platform_tests.support.data_folders import fill_data_folder, parsed_project


def test_dbt_does_not_parse_a_filled_folder_again(tmp_path, monkeypatch):
    """Also where its lake is elsewhere than the one that the shared parse was made for."""
    recipe = load_recipe("telecomit")
    parsed_project(recipe)
    monkeypatch.setenv("CHURN_CATALOG", "postgres:dbname=lake host=db")
    settings = load_settings(data_dir=tmp_path)
    fill_data_folder(settings)
    for name, value in dbt_environment(Lake.of(settings)).items():
        monkeypatch.setenv(name, value)
    folder = dbt_folder(settings, recipe.name)
    with DbtInvocation(["parse", *folder_options(folder, folder)]) as dbt:
        told = [event["info"]["msg"] for event in dbt.events()]
    assert dbt.outcome.succeeded
    assert not [line for line in told if "partial parsing" in line]
