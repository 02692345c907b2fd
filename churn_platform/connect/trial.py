"""A dry run of a month: read from the sources and checked by ingest, in a lake that goes again."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from churn_platform.errors import ChurnError
from churn_platform.ingest.load import load_month
from churn_platform.masking import masked_id
from churn_platform.portfolios.spec import Portfolio, Table
from churn_platform.sources.extract import extract_month
from churn_platform.sources.open_source import Resources
from churn_platform.sql import read_parquet
from churn_platform.warehouse.lake import Lake, connect

EXAMPLES = 3
NO_KEY = "0" * 32  # hashes of this lake are for nobody


@dataclass(frozen=True)
class TriedTable:
    """What a month of a table came to: rows with examples, or what is wrong."""

    table: str
    rows: int
    set_aside: int = 0
    columns: tuple[str, ...] = ()
    examples: tuple[tuple[str, ...], ...] = ()
    problem: str = ""


def try_month(
    portfolio: Portfolio,
    month: date,
    *,
    lake: Lake,
    resources: Resources,
    spec_file: Path,
    today: date,
) -> Iterator[TriedTable]:
    """Each table that is read from a source, customers first; nothing of it is kept."""
    lake.temp_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="trial-", dir=lake.temp_dir) as name:
        folder = Path(name)
        # A lake of its own: what ingest writes must never be seen by the real one.
        tried = replace(
            lake,
            catalog=f"sqlite:{folder / 'trial.sqlite'}",
            files=f"{folder}/lake",
        )
        with closing(connect(tried)) as connection:
            for table in portfolio.read_tables:
                yield _tried(
                    connection,
                    tried,
                    portfolio,
                    table,
                    month,
                    folder=folder / "landing",
                    resources=resources,
                    spec_file=spec_file,
                    today=today,
                )


def _tried(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    portfolio: Portfolio,
    table: Table,
    month: date,
    *,
    folder: Path,
    resources: Resources,
    spec_file: Path,
    today: date,
) -> TriedTable:
    try:
        extracted = extract_month(
            portfolio,
            table,
            month,
            landing_dir=folder,
            resources=resources,
            spec_file=spec_file,
            today=today,
        )
        loaded = load_month(
            connection,
            lake,
            portfolio,
            table,
            month,
            landing_dir=folder,
            hash_key=NO_KEY,
        )
    except ChurnError as error:
        # Its folder is gone by the time that anyone reads of it.
        problem = str(error).replace(f"{folder}/", "")
        return TriedTable(table.name, 0, problem=problem)
    columns, examples = _examples(connection, table, extracted.file)
    return TriedTable(
        table.name,
        loaded.rows,
        extracted.set_aside,
        columns,
        examples,
    )


def _examples(
    connection: duckdb.DuckDBPyConnection, table: Table, file: Path | None
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    if file is None:
        return (), ()
    found = connection.execute(f"from {read_parquet(file)} limit {EXAMPLES}")
    headers = tuple(column[0] for column in found.description)
    hashed = {column.header for column in table.columns if column.hashed}
    # From the landed file, where these values are still as the operator has them.
    is_hashed = [header in hashed for header in headers]
    rows = []
    for row in found.fetchall():
        shown = map(_shown, row, is_hashed)
        rows.append(tuple(shown))
    examples = tuple(rows)
    return headers, examples


def _shown(value: object, is_hashed: bool) -> str:
    if value is None:
        return ""
    return masked_id(str(value)) if is_hashed else str(value)
