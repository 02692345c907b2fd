"""What every asset carries for whoever looks for it: an owner, its stage and portfolio as tags, a
kind, and the place of its code.
"""

from collections.abc import Iterable

from dagster import AssetsDefinition, AssetSpec, map_asset_specs, with_source_code_references
from dagster._core.definitions.metadata.source_code import CodeReferencesMetadataSet

from churn_platform.graph.groups import parts_of
from churn_platform.graph.partitions import PLATFORM

OWNERS = {
    "raw": "team:data_engineering",
    "staging": "team:data_engineering",
    "features": "team:data_engineering",
    "training": "team:data_science",
    "scores": "team:retention",
    "serving": "team:operations",
    "monitoring": "team:data_science",
    PLATFORM: "team:operations",
}


def labelled(assets: Iterable[AssetsDefinition]) -> list[AssetsDefinition]:
    """The assets with owners, tags, kinds and code references; what one has already, it keeps."""
    made = []
    for asset in assets:
        for named in map_asset_specs(_labelled, [asset]):
            made.append(_with_code(named))

    return made


def _labelled(spec: AssetSpec) -> AssetSpec:
    stage = PLATFORM
    tags = {"stage": stage}
    if spec.group_name != PLATFORM:
        stage, portfolio = parts_of(str(spec.group_name))
        tags = {"stage": stage, "portfolio": portfolio}

    return spec.replace_attributes(
        owners=spec.owners or [OWNERS[stage]],
        tags={**spec.tags, **tags},
        # Some assets are no table and have no library of their own, such as a training set.
        kinds=spec.kinds or {"python"},
    )


def _with_code(asset: AssetsDefinition) -> AssetsDefinition:
    """The asset with a reference to its function; dbt's have one to their model."""
    for spec in asset.specs:
        if CodeReferencesMetadataSet.extract(spec.metadata).code_references:
            return asset
    (referenced,) = with_source_code_references([asset])
    assert isinstance(referenced, AssetsDefinition)
    return referenced
