"""Puts a month of a result in place of what was there of it, and counts what is there then."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from churn_platform.campaign.risk_webhook import ROWS_MOST, Receiver, send
from churn_platform.errors import SourceError
from churn_platform.months import label
from churn_platform.portfolios.destinations import Destination
from churn_platform.portfolios.spec import Portfolio
from churn_platform.sources.credentials import Credentials
from churn_platform.sources.failures import told, with_patience
from churn_platform.sources.file_relation import month_path
from churn_platform.sources.open_source import (
    OpenSource,
    Resources,
    attached_table,
    opened_source,
)
from churn_platform.sql import identifier, literal, read_parquet
from churn_platform.storage.location import is_url

ROWS = "rows_of_the_month"
Send = Callable[[Receiver, str, bytes], None]


def deliver(
    destination: Destination,
    portfolio: Portfolio,
    month: date,
    rows: pa.Table,
    *,
    resources: Resources,
    send: Send = send,
) -> int:
    """The number of rows there after the delivery, which is that of `rows`.

    SourceError, and the month there as it was, if the place cannot be reached, refuses, or has
    another number of rows afterwards.
    """
    if destination.to is None:
        return _sent(destination, portfolio, month, rows, resources, send)
    work = partial(_written, destination, portfolio, month, rows, resources)
    return with_patience(work, portfolio.sources[destination.to].attempts)


def _written(
    destination: Destination,
    portfolio: Portfolio,
    month: date,
    rows: pa.Table,
    resources: Resources,
) -> int:
    name = str(destination.to)
    spec = portfolio.sources[name]
    with opened_source(name, spec, resources, writes=True) as place:
        place.connection.register(ROWS, rows)
        count = rows.num_rows
        if destination.table is not None:
            work = partial(_into_table, place, destination.table, month, count)
        else:
            work = partial(_into_file, place, str(destination.path), month, count)
        return told(work, place.credentials)


def _into_table(place: OpenSource, table: str, month: date, expected: int) -> int:
    target = attached_table(table)
    of_month = f"{target} where month = date '{month}'"
    connection = place.connection
    columns = _columns(connection)
    with _one_transaction(connection):
        connection.execute(f"create table if not exists {target} ({columns})")
        connection.execute(f"delete from {of_month}")
        # By name: the operator may have columns in another order, and further ones.
        connection.execute(f"insert into {target} by name from {ROWS}")
        there = _counted(connection, of_month)
        # Before the commit: a wrong number leaves the month as it was.
        _compare(there, expected, f"{table} of {place.name}", month)
    return there


def _columns(connection: duckdb.DuckDBPyConnection) -> str:
    """Names and types of the rows' columns, as a table is created with."""
    described = connection.execute(f"describe {ROWS}").fetchall()
    columns = []
    for name, sql_type, *_ in described:
        columns.append(f"{identifier(name)} {sql_type}")
    return ", ".join(columns)


def _into_file(place: OpenSource, path: str, month: date, expected: int) -> int:
    target = month_path(place.spec.location, path, month)  # type: ignore[union-attr]
    connection = place.connection
    shown = f"{path} of {place.name}"
    if is_url(target):
        # A store takes an object as a whole, or not at all.
        written = literal(target)
        connection.execute(f"copy (from {ROWS}) to {written} (format parquet)")
        there = _counted(connection, f"read_parquet({written})")
        _compare(there, expected, shown, month)
        return there

    file = Path(target)
    file.parent.mkdir(parents=True, exist_ok=True)
    # Beside the file, so that taking its place is one step, and hidden from whoever reads there.
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        connection.execute(f"copy (from {ROWS}) to {literal(draft)} (format parquet)")
        there = _counted(connection, read_parquet(draft))
        _compare(there, expected, shown, month)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return there


def _sent(
    destination: Destination,
    portfolio: Portfolio,
    month: date,
    rows: pa.Table,
    resources: Resources,
    send: Send,
) -> int:
    name = destination.name
    known = Credentials(name, resources.secrets_dir)
    receiver = Receiver(
        known.text(destination.url),
        known.text(destination.secret),
        setting=f"url: of destination {name}",
    )
    # One part also for a month without rows: the receiver has to learn that there are none.
    starts = range(0, max(1, rows.num_rows), ROWS_MOST)
    for number, start in enumerate(starts, start=1):
        # The same each time, so that a receiver knows a part that comes twice.
        delivery = f"{portfolio.name}-{name}-{label(month)}-{number}"
        part = rows.slice(start, ROWS_MOST)
        content = {
            "event": destination.result,
            "delivery": delivery,
            "portfolio": portfolio.name,
            "month": label(month),
            "part": number,
            "parts": len(starts),
            # The receiver compares: all parts together have so many rows.
            "total": rows.num_rows,
            "rows": part.to_pylist(),
        }
        text = json.dumps(content, default=str)
        send(receiver, delivery, text.encode())
    return rows.num_rows


@contextmanager
def _one_transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.execute("begin")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _counted(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    found = connection.execute(f"select count(*) from {relation}").fetchone()
    assert found is not None
    return found[0]


def _compare(there: int, expected: int, place: str, month: date) -> None:
    if there != expected:
        raise SourceError(
            f"{place} has {there:,} rows of {label(month)} after {expected:,} were written; does "
            "anything else write there? nothing was changed"
        )
