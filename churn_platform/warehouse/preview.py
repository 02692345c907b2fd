"""The first rows of a month's table as Markdown, for a page that many see: ids are masked."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from churn_platform.markdown import table as markdown_table
from churn_platform.masking import masked_id
from churn_platform.published.plain_numbers import number

ROWS = 10
ID = "customer_id"


def preview(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    month: date,
    columns: Sequence[str],
    *,
    order: str,
) -> str:
    """The first rows of `schema.table` in an order, and how many there are in all."""
    rows = connection.execute(
        f"select {', '.join(columns)} from {table} where month = ? order by {order} limit {ROWS}",
        [month],
    ).fetchall()
    count = connection.execute(f"select count(*) from {table} where month = ?", [month]).fetchone()

    shown = []
    for row in rows:
        named = zip(columns, row, strict=True)
        shown.append([_cell(name, value) for name, value in named])

    words = [column.replace("_", " ") for column in columns]
    total = count[0] if count else 0
    listed = markdown_table(words, shown, align="l" * len(columns))
    return f"{listed}\n\n{len(rows)} of {total:,}"


def _cell(column: str, value: Any) -> str:
    if value is None:
        return "-"
    if column == ID:
        return masked_id(str(value))
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return number(float(value))

    return str(value)
