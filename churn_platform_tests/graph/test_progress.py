"""What a command shows of a run whose steps execute elsewhere: it has their events alone."""

from dagster import (
    AssetCheckResult,
    AssetExecutionContext,
    Definitions,
    MaterializeResult,
    asset,
    asset_check,
    define_asset_job,
)

from churn_platform.graph.metadata import MONTH_ROWS
from churn_platform.graph.partitions import describe, monthly
from churn_platform.graph.progress import Progress
from churn_platform.graph.runs import RANGE_TAGS
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY


@asset(partitions_def=monthly(JANUARY))
def counted(context: AssetExecutionContext) -> MaterializeResult:
    """Two months with rows of their own."""
    describe(context, JANUARY, {MONTH_ROWS: 1_200})
    describe(context, FEBRUARY, {MONTH_ROWS: 34})
    return MaterializeResult()


@asset_check(asset=counted)
def is_fresh() -> AssetCheckResult:
    """Does not pass, and blocks nothing."""
    return AssetCheckResult(passed=False, description="features of 2025-03 without 2025-02")


def test_events_of_a_run_become_a_line_for_each_asset_and_each_warning() -> None:
    """The rows of all months of an asset are one number."""
    defs = Definitions([counted], asset_checks=[is_fresh], jobs=[define_asset_job("all")])
    months = (JANUARY.isoformat(), FEBRUARY.isoformat())
    tags = dict(zip(RANGE_TAGS, months, strict=True))
    run = defs.resolve_job_def("all").execute_in_process(tags=tags)

    shown: list[str] = []
    progress = Progress(shown.append)
    for event in run.all_events:
        progress.note(event)

    made, warned = shown
    assert made.split()[-3:] == ["counted", "1,234", "rows"]
    assert warned == "warning: features of 2025-03 without 2025-02"
