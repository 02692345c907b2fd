"""Checks one landed file against its table's contract, one scan for the columns, one each for key
and customer.

What is wrong is counted for every row; examples are looked for only where something is.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from churn_platform.errors import LandingError
from churn_platform.ingest.casting import NATIVE, SQL_TYPES, cast, present
from churn_platform.ingest.headers import normalised
from churn_platform.ingest.landed_files import unreadable
from churn_platform.ingest.open_file import OpenFile
from churn_platform.months import label, month_bounds
from churn_platform.portfolios.spec import Column, Table
from churn_platform.sql import identifier, one_of

Headers = Mapping[str, tuple[str, str]]
CHECKS_AT_ONCE = 64  # planning a statement takes a time that grows with the square of its checks
HASHES_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Check:
    """A condition that no row may meet: SQL for the offending rows, SQL for an example, and the
    words for both.
    """

    offending: str
    example: str
    complaint: str


def check_file(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    month: date,
    path: Path,
    reader: str,
    headers: Headers,
    *,
    customers: str | None,
    timezone: str = "UTC",
) -> int:
    """Number of rows of a file that keeps its contract; LandingError lists everything that is wrong
    with any other.

    `customers` is a query for the customer ids that events may name; the month is one of
    `timezone`.
    """
    _check_headers(table, path, headers)
    try:
        rows, wrong = _check_values(connection, table, month, reader, headers, timezone)
        wrong += _duplicates(connection, table, reader, headers, rows=rows)
        if customers and table.customer:
            wrong += _unknown_customers(connection, table, reader, headers, customers)
    except duckdb.Error as error:
        raise unreadable(path, error) from None

    if rows == 0:
        raise LandingError(f"{path}: the file has headers but no rows; deliver it again")
    if wrong:
        raise LandingError(f"{path}: {'; '.join(wrong)}; nothing of it was loaded")

    return rows


def refuse_twins(table: Table, file: OpenFile, unused: Collection[str]) -> None:
    """LandingError if a column of the contract is in the file twice, and the contract knows
    of one only.
    """
    known = set(map(normalised, unused))
    for column in table.columns:
        known.add(normalised(column.header))

    for twins in file.twins:
        if normalised(twins.first) in known and normalised(twins.renamed) not in known:
            raise LandingError(
                f"{file.path}: columns {twins.first!r} and {twins.second!r} are one name; "
                "rename one"
            )


def source_of(column: Column, headers: Headers) -> tuple[str, str]:
    """The quoted header of a column in this file and its SQL type there."""
    header, sql_type = headers[normalised(column.header)]
    return identifier(header), sql_type


def typed(column: Column, headers: Headers) -> str:
    """The column's value in the contract's type; null if the file may lack
    the column and does.
    """
    if not _delivered(column, headers):
        return f"null::{SQL_TYPES[column.type]}"
    return cast(column, *source_of(column, headers))


def _delivered(column: Column, headers: Headers) -> bool:
    return normalised(column.header) in headers


def _check_headers(table: Table, path: Path, headers: Headers) -> None:
    delivered = []
    missing = []
    for column in table.columns:
        if _delivered(column, headers):
            delivered.append(column.header)
        elif not column.optional:
            missing.append(column.header)

    if not missing:
        return

    found = "no header line of this table"
    if delivered:
        found = ", ".join(header for header, _ in headers.values())

    raise LandingError(
        f"{path}: column {', '.join(missing)} is missing; the file has {found}; "
        "nothing of it was loaded"
    )


def _check_values(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    month: date,
    reader: str,
    headers: Headers,
    timezone: str,
) -> tuple[int, list[str]]:
    checks = []
    for column in table.columns:
        if _delivered(column, headers):
            checks += _column_checks(column, headers)

    checks += _month_checks(table, month, headers, timezone)
    rows, counts = _counted(connection, reader, checks)

    broken = []
    complaints = []
    for check, count in zip(checks, counts, strict=True):
        if count:
            broken.append(check)
            complaints.append(check.complaint.format(count=count, rows=rows))

    # A second scan, only for files that are refused anyway: a sound file pays nothing for it.
    examples = _examples(connection, reader, broken)
    wrong = []
    for complaint, example in zip(complaints, examples, strict=True):
        wrong.append(f"{complaint}, e.g. {example!s:.80}")

    return rows, wrong


def _counted(
    connection: duckdb.DuckDBPyConnection, reader: str, checks: Sequence[Check]
) -> tuple[int, list[int]]:
    """The rows of the file, and the offending ones of each check."""
    rows = 0
    counts: list[int] = []
    # One scan for all checks of a usual table: a month of call records has 100 million rows.
    for start in range(0, max(1, len(checks)), CHECKS_AT_ONCE):
        counted = ["count(*)"]
        for check in checks[start : start + CHECKS_AT_ONCE]:
            counted.append(f"count_if({check.offending})")

        query = f"select {', '.join(counted)} from {reader}"
        found = connection.execute(query).fetchone()
        assert found is not None
        rows = found[0]
        counts += found[1:]

    return rows, counts


def _examples(
    connection: duckdb.DuckDBPyConnection, reader: str, checks: list[Check]
) -> tuple[object, ...]:
    if not checks:
        return ()

    wanted = []
    for check in checks:
        wanted.append(f"any_value({check.example}) filter ({check.offending})")

    query = f"select {', '.join(wanted)} from {reader}"
    found = connection.execute(query).fetchone()
    assert found is not None
    return found


def _column_checks(column: Column, headers: Headers) -> list[Check]:
    name, sql_type = source_of(column, headers)
    form = column.format.published() if column.format else None
    given = present(name, sql_type, column.type, form)
    value = cast(column, name, sql_type)
    about = f"column {_literal(column.header)}: {{count}} of {{rows}} values "
    checks = []
    # These types have infinite values, which casts accept and no later computation does.
    is_endless = column.type in ("number", "date", "timestamp")

    if is_endless or sql_type not in NATIVE[column.type]:
        is_read = f"coalesce(isfinite({value}), false)" if is_endless else f"{value} is not null"
        wrong_type = f"{given} is not null and not ({is_read})"
        complaint = f"{about}are not of type {column.type}"
        checks.append(Check(wrong_type, f"{given}::varchar", complaint))

    if column.required:
        checks.append(Check(f"{given} is null", "'an empty value'", f"{about}are missing"))

    if column.levels:
        levels = _literal(", ".join(column.levels))
        other = f"{given} is not null and not {one_of(value, column.levels)}"
        checks.append(Check(other, f"{given}::varchar", f"{about}are none of {levels}"))

    return checks


def _month_checks(table: Table, month: date, headers: Headers, timezone: str) -> list[Check]:
    if table.event_time is None:
        return []

    column = table.column(table.event_time)
    value = typed(column, headers)
    # A day is the operator's own already; only an instant has to be told in its zone.
    zone = timezone if column.type == "timestamp" else "UTC"
    first, end = (f"timestamp '{at:%Y-%m-%d %H:%M:%S}'" for at in month_bounds(month, zone))
    outside = f"not ({value} >= {first} and {value} < {end})"
    complaint = (
        f"column {table.event_time}: {{count}} of {{rows}} events are outside {label(month)}"
    )
    if timezone != "UTC":
        complaint += f" of {timezone}"
    return [Check(outside, f"({value})::varchar", complaint)]


def _literal(text: str) -> str:
    # The complaint goes through str.format later; a header may hold braces.
    return text.replace("{", "{{").replace("}", "}}")


def _duplicates(
    connection: duckdb.DuckDBPyConnection, table: Table, reader: str, headers: Headers, *, rows: int
) -> list[str]:
    key = typed(table.column(table.key), headers)
    # Equal hashes are only a suspicion. Then the keys themselves are grouped, below.
    if _hashes_differ(connection, key, reader, rows=rows):
        return []

    found = connection.execute(
        f"select count(*), any_value(key) from "
        f"(select key from (select {key} as key from {reader}) where key is not null "
        "group by key having count(*) > 1)"
    ).fetchone()
    assert found is not None
    return (
        [f"column {table.key}: {found[0]} keys occur more than once, e.g. {found[1]}"]
        if found[0]
        else []
    )


def _hashes_differ(
    connection: duckdb.DuckDBPyConnection, key: str, reader: str, *, rows: int
) -> bool:
    """Whether no two keys, null among them, have the same 64-bit hash, so that all differ."""
    # Sorting these takes an eighth of the time and a fraction of the memory of grouping the keys
    # themselves, which is left to files with a suspicion.
    # 8 bytes for each key, instead of a hash table of the keys. For 2.9 million keys grouping took
    # eight times the CPU.
    hashes = np.empty(rows, dtype=np.uint64)
    filled = 0
    found = connection.execute(f"select hash({key}) as hash from {reader}")

    for batch in found.to_arrow_reader(HASHES_AT_ONCE):
        end = filled + len(batch)
        hashes[filled:end] = batch.column("hash")
        filled = end

    hashes.sort()
    is_twice = hashes[1:] == hashes[:-1]
    return not is_twice.any()


def _unknown_customers(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    reader: str,
    headers: Headers,
    customers: str,
) -> list[str]:
    assert table.customer is not None
    customer = typed(table.column(table.customer), headers)
    found = connection.execute(
        f"select count(*), any_value(customer) from (select {customer} as customer from {reader}) "
        f"where customer not in ({customers})"
    ).fetchone()
    assert found is not None
    if not found[0]:
        return []

    return [
        f"column {table.customer}: {found[0]} rows name a customer unknown in this month, e.g. "
        f"{found[1]}"
    ]
