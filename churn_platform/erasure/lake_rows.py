"""The customer's rows in every table of a portfolio, found by column, so that a later table needs
no entry here.
"""

from collections.abc import Iterable
from datetime import date

import duckdb

from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.ingest.load import raw_table
from churn_platform.ingest.suppression import contact_columns, suppress
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.lake import CATALOG, NAME
from churn_platform.warehouse.tables import table_exists

ID_COLUMN = "customer_id"


def tables_of_customers(
    connection: duckdb.DuckDBPyConnection, portfolio: str, portfolios: Iterable[str]
) -> list[str]:
    """Every table `schema.table` with customer ids in the schemas of a portfolio: `<portfolio>` and
    `<portfolio>_*`.

    A schema belongs to the portfolio with the longest name that fits, for `acme_two` is none of
    `acme`.
    """
    # By column, not by a list of tables: a new table would be missing from a list.
    rows = connection.execute(
        "select columns.table_schema, columns.table_name "
        "from information_schema.columns as columns "
        "join information_schema.tables as tables using (table_catalog, table_schema, table_name) "
        "where columns.table_catalog = ? and column_name = ? and table_type = 'BASE TABLE' "
        "order by all",
        [NAME, ID_COLUMN],
    ).fetchall()
    tables = []
    for schema, table in rows:
        if owner(schema, portfolios) == portfolio:
            tables.append(f"{schema}.{table}")

    return tables


def owner(schema: str, portfolios: Iterable[str]) -> str | None:
    """The portfolio that a schema belongs to; None for one of the platform's own."""
    fitting = [name for name in portfolios if schema == name or schema.startswith(f"{name}_")]
    return max(fitting, key=len, default=None)


def foreign_tables(
    connection: duckdb.DuckDBPyConnection, portfolio: str, portfolios: Iterable[str]
) -> dict[int, str]:
    """Tables of other portfolios by their number in the catalog, as `schema.table`, past ones
    included.

    An id that two portfolios use is not one customer's: theirs is not to be searched.
    """
    rows = connection.execute(
        f"select table_id, schema_name, table_name from {CATALOG}.ducklake_table "
        f"join {CATALOG}.ducklake_schema using (schema_id)"
    ).fetchall()
    foreign = {}
    for number, schema, table in rows:
        # The platform's own tables belong to no portfolio: they are searched.
        if owner(schema, portfolios) not in (portfolio, None):
            foreign[number] = f"{schema}.{table}"

    return foreign


def count_rows(
    connection: duckdb.DuckDBPyConnection, tables: Iterable[str], customer_id: str
) -> dict[str, int]:
    """Rows of the customer by table, without the tables that have none."""
    counts = {}
    for table in tables:
        row = connection.execute(
            f"select count(*) from {table} where {ID_COLUMN} = ?", [customer_id]
        ).fetchone()
        assert row is not None
        if row[0]:
            counts[table] = row[0]

    return counts


def erase_rows(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    tables: Iterable[str],
    subject: ErasedCustomer,
    month: date,
) -> None:
    """Delete the rows, empty the customer's numbers in rows of others, and suppress both in later
    deliveries.

    To be called in a transaction: there is no moment at which the customer is gone and may come
    back.
    """
    for table in tables:
        connection.execute(f"delete from {table} where {ID_COLUMN} = ?", [subject.customer_id])

    if subject.numbers:
        _empty_numbers(connection, portfolio, subject.numbers)

    suppress(
        connection,
        portfolio.name,
        month,
        customer_id=subject.customer_id,
        numbers=subject.numbers,
    )


def _empty_numbers(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, numbers: Iterable[int]
) -> None:
    """Empty the numbers where rows of other customers name them."""
    for landed in portfolio.landed_tables:
        raw = raw_table(portfolio, landed)
        if not table_exists(connection, raw):
            continue
        for column in contact_columns(landed):
            name = f"{column.name}_hash"
            connection.execute(
                f"update {raw} set {name} = null where list_contains(?::ubigint[], {name})",
                [list(numbers)],
            )
