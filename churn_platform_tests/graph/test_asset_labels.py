"""Every asset says whose it is, which stage and portfolio it belongs to, and where its code is."""

import re
from pathlib import Path

from dagster import AssetsDefinition
from dagster._core.definitions.metadata.source_code import CodeReferencesMetadataSet

from churn_platform.definitions import portfolio_assets
from churn_platform.graph.asset_labels import OWNERS, labelled
from churn_platform.graph.assets.costs_assets import cost_assets
from churn_platform.graph.assets.housekeeping_assets import housekeeping_assets
from churn_platform.graph.groups import STAGE_ORDER, group_of, parts_of
from churn_platform.portfolios.loader import load_recipe
from churn_platform.settings import load_settings
from churn_platform_tests.support.data_folders import fill_data_folder


def labelled_assets(folder: Path) -> list[AssetsDefinition]:
    """Those of a portfolio, dbt's among them, and of the platform."""
    settings = load_settings(data_dir=folder / "data")
    fill_data_folder(settings)
    platform = labelled([*housekeeping_assets(["telecomit"], settings), *cost_assets(settings)])
    return [*portfolio_assets(load_recipe("telecomit"), settings), *platform]


def test_every_asset_has_owner_tags_kind_and_code(tmp_path: Path):
    """Also those of the platform, which belong to no portfolio."""
    assets = labelled_assets(tmp_path)
    for spec in (spec for asset in assets for spec in asset.specs):
        name = spec.key.to_user_string()
        assert spec.owners == [OWNERS[spec.tags["stage"]]], name
        assert spec.kinds, name
        assert spec.tags.get("portfolio") == (
            None if spec.group_name == "platform" else "telecomit"
        )
        references = CodeReferencesMetadataSet.extract(spec.metadata).code_references
        for reference in references.code_references:
            assert re.search("churn_platform/graph|dbt_models/models", reference.file_path), name


def test_groups_are_listed_in_the_order_of_the_story():
    """Dagster sorts them by name; it keeps the last word of a name that it cuts: the stage."""
    groups = [group_of("telecomit", stage) for stage in STAGE_ORDER]
    assert groups == sorted(groups)
    assert groups[3] == "4_telecomit_training"
    assert parts_of(group_of("ibm_telco", "raw")) == ("raw", "ibm_telco")
