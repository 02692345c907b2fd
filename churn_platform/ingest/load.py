"""Loads one landed month into its raw table, in one transaction, after the file
kept its contract.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import duckdb

from churn_platform.errors import LandingError
from churn_platform.ingest.casting import SQL_TYPES
from churn_platform.ingest.file_contract import Headers, check_file, refuse_twins, typed
from churn_platform.ingest.hashing import keyed_hash, set_keys
from churn_platform.ingest.headers import normalised
from churn_platform.ingest.landed_files import Delivery, entries_of, find_delivery
from churn_platform.ingest.open_file import OpenFile, opened
from churn_platform.ingest.open_parts import opened_parts
from churn_platform.ingest.recorded_outcomes import CONTACTS, PREFERENCES, join_recorded
from churn_platform.ingest.suppression import without_suppressed
from churn_platform.ingest.text_layout import Wanted
from churn_platform.months import label
from churn_platform.portfolios.spec import Column, Portfolio, Table
from churn_platform.sql import select_list
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.tables import (
    delete_month,
    ensure_table,
    replace_month,
    table_exists,
    write,
)


@dataclass(frozen=True)
class Loaded:
    """What one delivery brought; `file` is its name, or says that there was none.

    `findings` say what was odd about the way in which it was written.
    """

    file: str
    rows: int
    size_bytes: int
    findings: tuple[str, ...] = ()


def load_month(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    portfolio: Portfolio,
    table: Table,
    month: date,
    *,
    landing_dir: Path,
    hash_key: str,
) -> Loaded:
    """Replace a month of a raw table by its landed file, without the rows of customers who were
    erased.

    LandingError, and nothing changed, where the file is missing or breaks its contract. A month of
    an optional table without a file has no rows.
    """
    target = raw_table(portfolio, table)
    if table.optional and not entries_of(landing_dir, portfolio.name, table.name, month):
        write(connection, lake, partial(_empty_month, connection, portfolio, table, month))
        # Written all the same: an earlier delivery of the month may have had rows.
        return Loaded("no file", 0, 0)

    landed = find_delivery(landing_dir, portfolio.name, table.name, month)
    with _opened_whole(connection, lake, portfolio, table, landed) as (delivery, parts):
        headers = delivery.headers
        for part in parts:
            refuse_twins(table, part, portfolio.unused_columns)
        set_keys(connection, hash_key)
        # Before the contract is checked: events of an erased customer are dropped here. Afterwards
        # they would be refused, because their customer is unknown.
        reader = without_suppressed(
            connection,
            portfolio,
            table,
            month,
            landed.path,
            delivery.reader,
            headers,
        )
        customers = _known_customers(connection, portfolio, table, month)
        check = partial(
            check_file, connection, table, month, customers=customers, timezone=portfolio.timezone
        )
        try:
            check(landed.path, reader, headers)
        except LandingError:
            if landed.in_parts:
                _check_each(parts, check)
            raise

        def replace() -> int:
            ensure_table(connection, target, raw_columns(table))
            select = f"select {_select_list(table, month, headers)} from {reader}"
            rows = replace_month(connection, target, month, select)
            # Checked inside the transaction, after the read: an exchanged file would otherwise
            # leave rows that no file has.
            if landed.changed():
                raise LandingError(
                    f"{landed.path}: rewritten while it was being read; materialize the month again"
                )

            _join_page(connection, portfolio, table, month)
            return rows

        rows = write(connection, lake, replace, note=f"{target} {label(month)}")

    return Loaded(landed.name, rows, landed.size_bytes, delivery.findings)


@contextmanager
def _opened_whole(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    portfolio: Portfolio,
    table: Table,
    landed: Delivery,
) -> Iterator[tuple[OpenFile, list[OpenFile]]]:
    """A delivery as one open file, and its parts; a single file is its own part."""
    opener = partial(opened_delivery, connection, lake, portfolio, table)
    if landed.in_parts:
        paths = [file.path for file in landed.files]
        with opened_parts(connection, landed.path, paths, opener) as opened_files:
            yield opened_files
    else:
        with opener(landed.path) as file:
            yield file, [file]


def _check_each(parts: Sequence[OpenFile], check: Callable[[Path, str, Headers], int]) -> None:
    """LandingError that names the parts that are wrong by themselves; nothing where what is wrong
    is between them, as a key that two of them have.
    """
    wrong = []
    for part in parts:
        try:
            check(part.path, part.reader, part.headers)
        except LandingError as error:
            wrong.append(str(error))

    if wrong:
        raise LandingError("\n".join(wrong))


def opened_delivery(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    portfolio: Portfolio,
    table: Table,
    path: Path,
) -> AbstractContextManager[OpenFile]:
    """A landed file of the table, read as its spec says."""
    names = set(map(normalised, portfolio.unused_columns))
    for column in table.columns:
        names.add(normalised(column.header))

    key = table.column(table.key)
    return opened(
        connection,
        path,
        options=table.file,
        wanted=Wanted(frozenset(names), normalised(key.header)),
        temp_dir=lake.temp_dir,
        extension_dir=lake.extension_dir,
    )


def _empty_month(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, table: Table, month: date
) -> None:
    target = raw_table(portfolio, table)
    ensure_table(connection, target, raw_columns(table))
    delete_month(connection, target, month)
    _join_page(connection, portfolio, table, month)


def _join_page(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, table: Table, month: date
) -> None:
    """What agents recorded on the page must outlive a new delivery of its month."""
    if table.name in (CONTACTS, PREFERENCES):
        join_recorded(connection, portfolio, month)


def raw_table(portfolio: Portfolio, table: Table) -> str:
    """`schema.table` of a landed table in the warehouse."""
    return f"{portfolio.raw_schema}.{table.name}"


def filled_tables(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio) -> list[Table]:
    """The landed tables that have a row in the lake; of an optional one nothing may have landed."""
    filled = []
    for table in portfolio.landed_tables:
        name = raw_table(portfolio, table)
        # One without rows is made where the graph has looked for an optional file.
        if table_exists(connection, name) and connection.execute(f"from {name} limit 1").fetchone():
            filled.append(table)
    return filled


def raw_columns(table: Table) -> dict[str, str]:
    """Columns of the raw table with their SQL types; a hashed number is a 64-bit integer named
    `<column>_hash`.
    """
    columns = {"month": "date"}
    for column in table.columns:
        sql_type = "ubigint" if column.hashed else SQL_TYPES[column.type]
        columns[stored_name(column)] = sql_type
    return columns


def stored_name(column: Column) -> str:
    """The column's name in the warehouse."""
    return f"{column.name}_hash" if column.hashed else column.name


def _select_list(table: Table, month: date, headers: Headers) -> str:
    expressions = {"month": f"date '{month}'"}
    for column in table.columns:
        expressions[stored_name(column)] = _stored(column, headers)
    return select_list(expressions)


def _stored(column: Column, headers: Headers) -> str:
    value = typed(column, headers)
    return keyed_hash(value) if column.hashed else value


def _known_customers(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, table: Table, month: date
) -> str | None:
    """Query for the customers that events of the month may name; None for a
    table that names none.
    """
    if table.customer is None:
        return None

    customers = raw_table(portfolio, portfolio.table("customers"))
    query = f"select customer_id from {customers} where month = date '{month}'"

    are_loaded = False
    if table_exists(connection, customers):
        are_loaded = connection.execute(f"{query} limit 1").fetchone() is not None

    if not are_loaded:
        raise LandingError(
            f"{portfolio.name}/{table.name} of {label(month)}: "
            "no customers of that month are loaded; "
            f"materialize {customers.replace('.', '/')} for {label(month)} first"
        )

    return query
