"""Which portfolios are in the graph."""

from pathlib import Path

from churn_platform.definitions import build_defs


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
