"""The one monthly partitioning of the graph, and what assets share in using it."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from dagster import (
    AssetCheckExecutionContext,
    AssetExecutionContext,
    AssetKey,
    BackfillPolicy,
    MonthlyPartitionsDefinition,
    TimeWindowPartitionMapping,
)

from churn_platform.months import month_range, parse_month

WAREHOUSE_POOL = "warehouse"
PLATFORM = "platform"  # group and schema of what belongs to no portfolio


def monthly(first_month: date) -> MonthlyPartitionsDefinition:
    """Partitions 'YYYY-MM-01' from `first_month` to the newest complete month."""
    return MonthlyPartitionsDefinition(start_date=first_month.isoformat())


def months_of(context: AssetExecutionContext | AssetCheckExecutionContext) -> list[date]:
    """The months that a run materializes, oldest first: one, or a whole range in a single run."""
    keys = context.partition_key_range
    return month_range(parse_month(keys.start), parse_month(keys.end))


def months_of_check(
    context: AssetCheckExecutionContext, made: Callable[[], set[date]]
) -> list[date]:
    """The months of the run; of a check that is executed alone the newest one `made`."""
    # Dagster keeps no result by month for a check of a range. The table `data_contract` does.
    if context.has_partition_key or context.has_partition_key_range:
        return months_of(context)
    return sorted(made())[-1:]


def describe(context: AssetExecutionContext, month: date, metadata: Mapping[str, Any]) -> None:
    """Metadata of the month's own materialization, of which a run over several months makes one for
    each.
    """
    # What an asset returns Dagster writes to every month of the run; this goes to one month.
    context.add_asset_metadata(metadata, partition_key=month.isoformat())


def lag(months: int, *, nearest: int = 0) -> TimeWindowPartitionMapping:
    """Month M needs the months M - `months` to M - `nearest` upstream, as far as they exist."""
    # Months before the first one do not exist upstream, and that is no error.
    return TimeWindowPartitionMapping(
        start_offset=-months,
        end_offset=-nearest,
        allow_nonexistent_upstream_partitions=True,
    )


def monthly_asset(schema: str, name: str, group: str, first_month: date) -> dict[str, Any]:
    """Arguments of `@asset` that every monthly asset shares; its key is its
    table in the warehouse.
    """
    return {
        "key": AssetKey([schema, name]),
        "group_name": group,
        "partitions_def": monthly(first_month),
        # Start-up of Python and dbt would otherwise cost seconds for each month of a backfill.
        "backfill_policy": BackfillPolicy.single_run(),
    }


def monthly_table(schema: str, name: str, group: str, first_month: date) -> dict[str, Any]:
    """The same for an asset that is a table of the lake: one step at a time writes there."""
    shared = monthly_asset(schema, name, group, first_month)
    return {**shared, "pool": WAREHOUSE_POOL, "kinds": {"duckdb", "table"}}
