"""Keeps erased customers out: the list of them, and a landed file without their rows.

The list holds HMACs of customer ids and of phone-number hashes, nothing else of them.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from churn_platform.ingest.file_contract import Headers, source_of, typed
from churn_platform.ingest.hashing import keyed_hash, keyed_id
from churn_platform.ingest.headers import normalised
from churn_platform.ingest.landed_files import unreadable
from churn_platform.portfolios.spec import Column, Portfolio, Table
from churn_platform.warehouse.tables import ensure_table, table_exists

SUPPRESSED = "erasure.suppressed"
COLUMNS = {"month": "date", "portfolio": "varchar", "kind": "varchar", "hmac": "varchar"}
CUSTOMER, NUMBER = "customer", "number"
IDS, NUMBERS = "erased_customers", "erased_numbers"


def suppress(
    connection: duckdb.DuckDBPyConnection,
    portfolio: str,
    month: date,
    *,
    customer_id: str,
    numbers: Iterable[int],
) -> None:
    """Put a customer, and the hashes of the customer's numbers, on the list; to be called in a
    transaction.
    """
    ensure_table(connection, SUPPRESSED, COLUMNS)
    hidden = [(CUSTOMER, customer_id)]
    for number in numbers:
        hidden.append((NUMBER, str(number)))

    for kind, value in hidden:
        connection.execute(
            f"insert into {SUPPRESSED} select $month, $portfolio, $kind, {keyed_id('$value')} "
            f"where {keyed_id('$value')} not in "
            f"(select hmac from {SUPPRESSED} where portfolio = $portfolio and kind = $kind)",
            {"month": month, "portfolio": portfolio, "kind": kind, "value": value},
        )


def pseudonym(connection: duckdb.DuckDBPyConnection, customer_id: str) -> str:
    """The HMAC under which an erased customer is on the list, as in the audit trail."""
    return _one(connection, f"select {keyed_id('?')}", [customer_id])


def is_suppressed(connection: duckdb.DuckDBPyConnection, portfolio: str, customer_id: str) -> bool:
    """Whether the customer is on the list."""
    if not table_exists(connection, SUPPRESSED):
        return False

    query = (
        f"select count(*) from {SUPPRESSED} where portfolio = ? and kind = ? "
        f"and hmac = {keyed_id('?')}"
    )
    return bool(_one(connection, query, [portfolio, CUSTOMER, customer_id]))


def suppressed_among(
    connection: duckdb.DuckDBPyConnection, portfolio: str, customer_ids: Iterable[str]
) -> set[str]:
    """Those of the customers who are on the list."""
    wanted = sorted(set(customer_ids))
    if not wanted or not table_exists(connection, SUPPRESSED):
        return set()

    query = f"""
        select coalesce(list(value), []) from (select unnest(?::varchar[]) as value)
        where {keyed_id("value")} in (
            select hmac from {SUPPRESSED} where portfolio = ? and kind = ?
        )
    """
    return set(_one(connection, query, [wanted, portfolio, CUSTOMER]))


def without_suppressed(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    table: Table,
    month: date,
    path: Path,
    reader: str,
    headers: Headers,
) -> str:
    """`reader` without the rows of erased customers, and with their numbers emptied in the rows of
    others.

    `reader` itself where it holds neither. A number is emptied up to the month of its owner's
    erasure only, for numbers are given to new owners. Holds on this connection until the function
    is called again.
    """
    if not table_exists(connection, SUPPRESSED):
        return reader

    identity = typed(identity_of(table), headers)
    contacts = []
    for column in contact_columns(table):
        if normalised(column.header) in headers:
            contacts.append(column)

    numbers = []
    try:
        # Each distinct id is hashed once. HMAC of every row of 100 million call records would cost
        # more than loading them.
        # An id is suppressed in every month, a number (below) only up to the erasure: operators
        # give numbers to new owners.
        since_ever = [portfolio.name, date.min]
        ids = _listed(connection, reader, identity, CUSTOMER, "value", since_ever)
        until_erasure = [portfolio.name, month]
        for column in contacts:
            numbers += _listed(
                connection,
                reader,
                typed(column, headers),
                NUMBER,
                f"{keyed_hash('value')}::varchar",
                until_erasure,
            )
    except duckdb.Error as error:
        raise unreadable(path, error) from None

    if not ids and not numbers:
        return reader

    # As variables, not in the SQL text: DuckDB's errors quote the SQL, and these are personal data.
    connection.execute(f"set variable {IDS} = ?::varchar[]", [ids])
    connection.execute(f"set variable {NUMBERS} = ?::varchar[]", [numbers])
    emptied = ", ".join(_emptied(column, headers) for column in contacts)
    columns = f"* replace ({emptied})" if emptied else "*"
    return f"(select {columns} from {reader} where not {_among(IDS, identity)})"


def identity_of(table: Table) -> Column:
    """The column that says whose row it is."""
    return table.column(table.customer or table.key)


def own_numbers(table: Table) -> list[Column]:
    """Hashed columns with the customer's own number."""
    if table.customer is not None:
        return []
    return [column for column in table.columns if column.hashed]


def contact_columns(table: Table) -> list[Column]:
    """Hashed columns with the number of somebody else, which may be empty."""
    if not table.customer:
        return []
    contacts = []
    for column in table.columns:
        if column.hashed and not column.required:
            contacts.append(column)

    return contacts


def _listed(
    connection: duckdb.DuckDBPyConnection,
    reader: str,
    value: str,
    kind: str,
    hashed: str,
    known: Sequence[Any],
) -> list[str]:
    """Values of the file that are on the list of a portfolio since a month or later; each is hashed
    once.
    """
    query = f"""
        select coalesce(list(value), []) from (select distinct {value} as value from {reader})
        where value is not null and {keyed_id(hashed)} in
            (select hmac from {SUPPRESSED} where portfolio = ? and month >= ? and kind = '{kind}')
    """
    return _one(connection, query, known)


def _emptied(column: Column, headers: Headers) -> str:
    identifier, _ = source_of(column, headers)
    return (
        f"case when not {_among(NUMBERS, typed(column, headers))} then {identifier} end as "
        f"{identifier}"
    )


def _among(variable: str, value: str) -> str:
    return f"coalesce(list_contains(getvariable('{variable}'), {value}), false)"


def _one(connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any]) -> Any:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]
