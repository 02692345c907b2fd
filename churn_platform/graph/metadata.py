"""What the UI shows of a table: its name, columns, number of rows and the lake's snapshot."""

from typing import Any

import duckdb
from dagster import MetadataValue, TableColumn, TableSchema

from churn_platform.warehouse.tables import current_snapshot


def table_metadata(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, Any]:
    """Metadata of `schema.table` under Dagster's standard keys, read from the lake."""
    described = connection.execute(f"describe {table}").fetchall()
    rows = connection.execute(f"select count(*) from {table}").fetchone()
    schema = TableSchema(columns=[TableColumn(name=row[0], type=str(row[1])) for row in described])
    return {
        "dagster/table_name": table,
        "dagster/row_count": rows[0] if rows else 0,
        "dagster/column_schema": MetadataValue.table_schema(schema),
        "lake_snapshot": current_snapshot(connection),
    }
