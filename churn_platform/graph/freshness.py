"""How old scores and champion may be before Dagster marks them."""

from collections.abc import Iterable
from datetime import timedelta

from dagster import AssetsDefinition, AssetSpec, FreshnessPolicy, map_asset_specs

POLICIES = {
    # made on the 1st by 06:00 UTC, from files that cannot be complete before midnight
    "monthly_scores": FreshnessPolicy.cron("0 6 1 * *", timedelta(hours=6)),
    # six months after a training comes the next, drift or not: a warning means that it is a month
    # late
    "champion": FreshnessPolicy.time_window(
        fail_window=timedelta(days=245), warn_window=timedelta(days=215)
    ),
}


def with_freshness(assets: Iterable[AssetsDefinition]) -> list[AssetsDefinition]:
    """The assets, with the policy of those that have one by name."""
    made: list[AssetsDefinition] = []
    for asset in assets:
        made += map_asset_specs(_with_policy, [asset])

    return made


def _with_policy(spec: AssetSpec) -> AssetSpec:
    policy = POLICIES.get(spec.key.path[-1])
    return spec.replace_attributes(freshness_policy=policy) if policy else spec
