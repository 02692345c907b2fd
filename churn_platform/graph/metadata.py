"""What the UI shows of a table: its name, columns, the month's rows and the lake's snapshot."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
from dagster import (
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    MetadataValue,
    TableColumn,
    TableSchema,
    map_asset_specs,
)

from churn_platform.warehouse.tables import current_snapshot

COLUMN_SCHEMA = "dagster/column_schema"
MONTH_ROWS = "dagster/partition_row_count"
TABLE_NAME = "dagster/table_name"


def table_metadata(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, Any]:
    """Metadata of `schema.table` as a whole, under Dagster's standard keys."""
    return {TABLE_NAME: table, "lake_snapshot": current_snapshot(connection)}


def described_columns(
    connection: duckdb.DuckDBPyConnection, table: str, words: Mapping[str, str]
) -> dict[str, Any]:
    """The columns of `schema.table` as the lake has them, each with its description."""
    described = connection.execute(f"describe {table}").fetchall()
    columns = []
    for row in described:
        columns.append(TableColumn(row[0], str(row[1]), description=words.get(row[0])))

    return {COLUMN_SCHEMA: MetadataValue.table_schema(TableSchema(columns))}


def rows_by_month(
    connection: duckdb.DuckDBPyConnection, table: str, months: Sequence[date]
) -> dict[date, int]:
    """The number of rows of each of the months, 0 included; they are a range."""
    # A month of a backfill shows its own rows. Those of the whole table say nothing of it.
    counted = connection.execute(
        f"select month, count(*) from {table} where month between ? and ? group by month",
        [months[0], months[-1]],
    ).fetchall()
    return dict.fromkeys(months, 0) | dict(counted)


def with_columns(
    assets: Iterable[AssetsDefinition], schemas: Mapping[AssetKey, TableSchema]
) -> list[AssetsDefinition]:
    """The assets, each table with its described columns, which the UI shows before a first run."""

    def described(spec: AssetSpec) -> AssetSpec:
        schema = schemas.get(spec.key)
        if schema is None:
            return spec
        return spec.merge_attributes(metadata={COLUMN_SCHEMA: schema})

    made: list[AssetsDefinition] = []
    for asset in assets:
        made += map_asset_specs(described, [asset])

    return made
