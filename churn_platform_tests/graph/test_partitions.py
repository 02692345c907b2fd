"""What assets share in being made by month."""

from typing import Any

from dagster import AssetExecutionContext, MaterializeResult, asset, materialize

from churn_platform.graph.partitions import describe, monthly_asset, months_of
from churn_platform.graph.runs import RANGE_TAGS
from churn_platform.months import label
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, MARCH


@asset(**monthly_asset("tiny", "made", "tiny", JANUARY))
def made(context: AssetExecutionContext) -> MaterializeResult:
    """An asset that says of each month which it is, but for February."""
    for month in months_of(context):
        if month != FEBRUARY:
            describe(context, month, {"month": label(month)})
    return MaterializeResult()


def told(**arguments: Any) -> dict[str | None, object]:
    """What the materialization of each partition says."""
    result = materialize([made], **arguments).get_asset_materialization_events()
    events = [event.step_materialization_data.materialization for event in result]
    return {
        event.partition: event.metadata.get("month") and event.metadata["month"].value
        for event in events
    }


def test_each_month_of_a_range_says_its_own():
    """In one run over three months, and in a run of one."""
    tags = dict(zip(RANGE_TAGS, (JANUARY.isoformat(), MARCH.isoformat()), strict=True))
    assert told(tags=tags) == {"2025-01-01": "2025-01", "2025-02-01": None, "2025-03-01": "2025-03"}
    assert told(partition_key="2025-03-01") == {"2025-03-01": "2025-03"}
