"""The operator's deliveries: which still hold erased customers, and writing them without.

Ingestion keeps erased customers out even if the files hold them. To rewrite them is another matter:
they are the operator's, who may have to keep them, or delivers them again from a system that has
forgotten the customer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from churn_platform.ingest.landed_files import landed_files
from churn_platform.ingest.load import opened_delivery
from churn_platform.ingest.open_file import OpenFile
from churn_platform.ingest.soundness import is_gzip
from churn_platform.ingest.suppression import without_suppressed
from churn_platform.ingest.text_encoding import WIDE
from churn_platform.portfolios.spec import Portfolio, Table
from churn_platform.sql import literal
from churn_platform.warehouse.lake import Lake


@dataclass(frozen=True)
class Delivery:
    """A landed file that holds erased customers, and the relation that reads it without them."""

    file: OpenFile
    others: str


def _landed(landing_dir: Path, portfolio: Portfolio) -> Iterator[tuple[Table, date, Path]]:
    for table in portfolio.landed_tables:
        folder = landing_dir / portfolio.name / table.name
        for month, paths in landed_files(folder).items():
            for path in paths:
                yield table, month, path


def deliveries_to_clean(
    connection: duckdb.DuckDBPyConnection, lake: Lake, landing_dir: Path, portfolio: Portfolio
) -> Iterator[Delivery]:
    """Each landed file with rows or numbers of erased customers; its relation holds until the next
    is asked for.
    """
    for table, month, path in _landed(landing_dir, portfolio):
        with opened_delivery(connection, lake, portfolio, table, path) as file:
            others = without_suppressed(
                connection,
                portfolio,
                table,
                month,
                path,
                file.reader,
                file.headers,
            )
            if others != file.reader:
                yield Delivery(file, others)


def clean(connection: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    """Replace the file by one of the same kind without the erased customers; a workbook by Parquet.

    Text is written plainly, which can be read also if the spec describes odd files; but for text of
    two or four bytes a letter, which Parquet replaces as well.
    """
    path, separator = delivery.file.path, delivery.file.separator
    encoding = delivery.file.options.encoding or ""
    is_parquet = separator is None or encoding.startswith(WIDE)
    # Hidden and in the same folder: the landing sensor does not see it, and the rename is atomic.
    month = path.name[:7]
    draft = path.with_name(f".{month}.unfinished")

    if is_parquet:
        form = "format parquet"
        cleaned = path.with_name(f"{month}.parquet")
    else:
        form = _csv_format(path, separator)
        cleaned = path

    connection.execute(f"copy (select * from {delivery.others}) to {literal(draft)} ({form})")
    draft.replace(cleaned)
    if cleaned != path:
        path.unlink()


def _csv_format(path: Path, separator: str | None) -> str:
    compression = "gzip" if is_gzip(path) else "none"
    return (
        f"format csv, header true, delim {literal(separator)}, compression {literal(compression)}"
    )
