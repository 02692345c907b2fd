"""Housekeeping as an asset: not by month, one for the whole installation."""

from collections.abc import Sequence

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    asset,
)

from churn_platform.graph.old_runs import forgetting
from churn_platform.graph.partitions import PLATFORM, WAREHOUSE_POOL
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.housekeeping.clean_up import Retention, as_markdown, keep_house
from churn_platform.housekeeping.old_folders import Size
from churn_platform.settings import Settings


def housekeeping_assets(portfolios: Sequence[str], settings: Settings) -> list[AssetsDefinition]:
    """The asset that removes what only the past needs."""

    @asset(
        key=AssetKey([PLATFORM, "housekeeping"]),
        group_name=PLATFORM,
        pool=WAREHOUSE_POOL,
        kinds={"duckdb"},
        description=(
            "Packs the lake and removes what only the past needs; "
            "docs/housekeeping.md says what stays."
        ),
    )
    def housekeeping(context: AssetExecutionContext, tracking: Tracking) -> MaterializeResult:
        run = context.instance.get_run_record_by_id(context.run_id)
        assert run is not None, "a run that executes is known"
        # The time of the run, not of the clock: a step that is repeated removes the same.
        retention = Retention.of(settings, run.create_timestamp)
        done = keep_house(
            settings,
            portfolios,
            tracking.client(),
            retention,
            forget_runs=forgetting(context.instance),
        )
        before = sum(done.before.values(), start=Size(0, 0))
        after = sum(done.after.values(), start=Size(0, 0))
        shown = MetadataValue.md(as_markdown(done))
        return MaterializeResult(
            metadata={
                "housekeeping": shown,
                "snapshots_expired": done.removed["snapshots of the lake"],
                "files_before": before.files,
                "files_after": after.files,
                "bytes_before": before.size_bytes,
                "bytes_after": after.size_bytes,
            }
        )

    return [housekeeping]
