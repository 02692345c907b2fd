"""Which portfolios are in the graph."""

from pathlib import Path

from dagster import AllPartitionMapping

from churn_platform.definitions import build_defs, with_data
from churn_platform.portfolios.loader import load_recipe
from churn_platform.settings import load_settings
from churn_platform_tests.support.event_portfolios import READ


def shown(folder: Path) -> set[str]:
    """The portfolios whose training is in the graph of a data folder."""
    keys = build_defs(data_dir=folder).resolve_asset_graph().get_all_asset_keys()
    return {key.path[0] for key in keys if key.path[1] == "training_set"}


def test_a_portfolio_without_data_is_out_of_the_way(tmp_path: Path):
    """All are shown until one has data; then those that have, whatever was landed or published."""
    assert shown(tmp_path / "data") == {"telecomit", "ibm_telco"}
    (tmp_path / "data" / "landing" / "telecomit").mkdir(parents=True)
    assert shown(tmp_path / "data") == {"telecomit"}
    (tmp_path / "data" / "published" / "ibm_telco").mkdir(parents=True)
    assert shown(tmp_path / "data") == {"telecomit", "ibm_telco"}


def test_a_portfolio_that_is_read_from_sources_has_data(tmp_path: Path):
    """Before its first month was read there is no folder of landed files."""
    known = {"telecomit": load_recipe("telecomit"), READ.name: READ}
    assert list(with_data(known, load_settings(data_dir=tmp_path))) == [READ.name]


def test_no_monthly_asset_needs_every_month_of_another(tmp_path: Path):
    """Dagster's dialog would warn of each month upstream that was never made, in any backfill."""
    graph = build_defs(data_dir=tmp_path / "data").resolve_asset_graph()
    monthly = {key for key in graph.get_all_asset_keys() if graph.get(key).is_partitioned}
    of_all_months = [
        f"{key.to_user_string()} needs {upstream.to_user_string()}"
        for key in monthly
        for upstream in graph.get(key).parent_keys & monthly
        if isinstance(graph.get(key).partition_mappings.get(upstream), AllPartitionMapping)
    ]
    assert of_all_months == []


def test_candidates_that_were_chosen_are_in_the_graph_alone(tmp_path: Path):
    """So the best of them becomes the month's challenger, though another might have been better."""
    defs = build_defs(data_dir=tmp_path / "data", candidates="random_forest")
    keys = defs.resolve_asset_graph().get_all_asset_keys()
    algorithms = {"logistic_regression", "random_forest", "lightgbm", "xgboost"}
    trained = {key.path[1] for key in keys if key.path[0] == "ibm_telco"} & algorithms
    assert trained == {"random_forest"}
