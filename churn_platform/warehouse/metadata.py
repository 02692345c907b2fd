"""What the UI shows of a table: its name, columns, number of rows and the lake's snapshot."""

from collections.abc import Mapping
from typing import Any

from dagster import MetadataValue, TableColumn, TableSchema

from churn_platform.warehouse.resource import Warehouse
from churn_platform.warehouse.tables import current_snapshot


def table_metadata(warehouse: Warehouse, table: str, columns: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Metadata of `schema.table` under Dagster's standard keys, read from the lake."""
    with warehouse.get_connection(read_only=True) as connection:
        described = connection.execute(f"describe {table}").fetchall() if columns is None else columns.items()
        rows = connection.execute(f"select count(*) from {table}").fetchone()
        snapshot = current_snapshot(connection)
    schema = TableSchema(columns=[TableColumn(name=row[0], type=str(row[1])) for row in described])
    return {
        "dagster/table_name": table,
        "dagster/row_count": rows[0] if rows else 0,
        "dagster/column_schema": MetadataValue.table_schema(schema),
        "lake_snapshot": snapshot,
    }
