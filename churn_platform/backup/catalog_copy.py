"""Copies the catalog of a lake from a Postgres database and into an empty one, each as it is at one
moment.

By DuckDB, which the platform has, so that neither host needs Postgres's own programs: `pg_dump`
refuses a server that is newer than itself.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from churn_platform.backup.catalogue import KeptColumn, KeptTable
from churn_platform.errors import BackupError
from churn_platform.sql import identifier, literal, read_parquet
from churn_platform.warehouse.extensions import install_extensions
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.quiet import connect_quietly
from churn_platform.warehouse.server_errors import server_errors_told

DATABASE, SCHEMA = "catalog", "public"
# Of DuckLake alone: MLflow's and Dagster's tables may lie in the same database. The platform's own
# notes are made anew, for they name the store.
TABLES = "ducklake_"
KEYS = """
select tables.relname as table_name, columns.attname as column_name
from pg_constraint as keys
join pg_class as tables on tables.oid = keys.conrelid
join pg_attribute as columns
    on columns.attrelid = keys.conrelid and columns.attnum = any (keys.conkey)
where keys.contype = 'p'
"""


def is_server(lake: Lake) -> bool:
    """Whether the catalog is a database of Postgres."""
    return lake.sqlite_path is None


def write_catalog(lake: Lake, folder: Path) -> Iterator[tuple[KeptTable, Path]]:
    """Every table of the catalog with its rows in a Parquet file below `folder`, all of one
    moment.
    """
    with _database(lake) as connection:
        # Postgres shows one state to all reads of a transaction.
        connection.begin()
        for table in _tables(connection):
            path = folder / f"{table.name}.parquet"
            rows = f"from {_address(table.name)}"
            connection.execute(f"copy ({rows}) to {literal(path)} (format parquet)")
            yield table, path


def read_catalog(lake: Lake, tables: Sequence[tuple[KeptTable, Path]]) -> None:
    """Make the tables in the lake's database, all or none. BackupError if it holds a catalog."""
    with _database(lake) as connection:
        connection.begin()
        if _tables(connection):
            raise BackupError(
                f"the database {lake.catalog} holds a catalog already, and nothing is restored "
                "over one; set CHURN_CATALOG to an empty database (`createdb`)"
            )
        for table, path in tables:
            connection.execute(_definition(table))
            connection.execute(f"insert into {_address(table.name)} from {read_parquet(path)}")
        connection.commit()


@contextmanager
def _database(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    install_extensions(lake.extension_dir)
    with server_errors_told(lake), closing(connect_quietly(lake.config())) as connection:
        address = literal(lake.catalog.partition(":")[2])
        connection.execute("load postgres_scanner")
        connection.execute(f"attach {address} as {DATABASE} (type postgres)")
        yield connection


def _tables(connection: duckdb.DuckDBPyConnection) -> list[KeptTable]:
    keys = dict(
        connection.execute(f"from postgres_query({literal(DATABASE)}, {literal(KEYS)})").fetchall()
    )
    columns = connection.execute(
        "select table_name, list({'name': column_name, 'type': data_type, "
        "'is_required': not is_nullable} order by column_index) from duckdb_columns() "
        "where database_name = ? and schema_name = ? and starts_with(table_name, ?) "
        "group by table_name order by table_name",
        [DATABASE, SCHEMA, TABLES],
    ).fetchall()

    tables = []
    for name, found in columns:
        kept = tuple(KeptColumn(**column) for column in found)
        tables.append(KeptTable(name, kept, keys.get(name, "")))
    return tables


def _definition(table: KeptTable) -> str:
    parts = []
    for column in table.columns:
        required = " not null" if column.is_required else ""
        parts.append(f"{identifier(column.name)} {column.type}{required}")
    if table.key:
        parts.append(f"primary key ({identifier(table.key)})")
    return f"create table {_address(table.name)} ({', '.join(parts)})"


def _address(table: str) -> str:
    return f"{DATABASE}.{SCHEMA}.{identifier(table)}"
