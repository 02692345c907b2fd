"""The operator's deliveries: which still hold erased customers, and writing them without.

Ingestion keeps erased customers out whatever the files hold. To rewrite them is another matter:
they are the operator's, who may have to keep them, or delivers them again from a system that has
forgotten the customer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from churn_platform.ingest.landed_files import csv_headers, landed_files, relation
from churn_platform.ingest.suppression import without_suppressed
from churn_platform.portfolios.spec import Portfolio, Table
from churn_platform.sql import literal


@dataclass(frozen=True)
class Delivery:
    """A landed file that holds erased customers, and the relation that reads it without them."""

    path: Path
    others: str


def deliveries_to_clean(
    connection: duckdb.DuckDBPyConnection, landing_dir: Path, portfolio: Portfolio
) -> Iterator[Delivery]:
    """Each landed file with rows or numbers of erased customers; its relation holds until the next
    is asked for.
    """
    for table in portfolio.landed_tables:
        for month, paths in landed_files(landing_dir / portfolio.name / table.name).items():
            for path in paths:
                if others := _without(connection, portfolio, table, month, path):
                    yield Delivery(path, others)


def _without(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    table: Table,
    month: date,
    path: Path,
) -> str | None:
    reader, headers = relation(connection, path)
    others = without_suppressed(connection, portfolio, table, month, path, reader, headers)
    return others if others != reader else None


def clean(connection: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    """Replace the file by one of the same kind without the erased customers."""
    draft = delivery.path.with_name(f".{delivery.path.name[:7]}.unfinished")
    connection.execute(
        f"copy (select * from {delivery.others}) to {literal(draft)} ({_format(delivery.path)})"
    )
    draft.replace(delivery.path)


def _format(path: Path) -> str:
    if path.suffix == ".parquet":
        return "format parquet"
    separator, _ = csv_headers(path)
    compression = "gzip" if path.suffix == ".gz" else "none"
    return (
        f"format csv, header true, delim {literal(separator)}, compression {literal(compression)}"
    )
