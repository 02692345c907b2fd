"""The table `<portfolio>.data_contract`: every measure of a month and table with its limits and
verdict.
"""

from collections.abc import Callable, Sequence
from datetime import date
from math import isclose, nan

import duckdb
import pyarrow as pa

from churn_platform.data_contract.judge import HISTORY_MONTHS, JudgedMeasure, complaint, judge_month
from churn_platform.data_contract.measure import measure_month
from churn_platform.errors import DataError
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio, Table
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.tables import arrow_rows, ensure_table, table_exists, write

SAME_WITHIN = (
    0.05  # of an accepted value: a delivery with a few late rows is still the one that was accepted
)
COLUMNS = {
    "month": "date",
    "table_name": "varchar",
    "column_name": "varchar",
    "measure": "varchar",
    "value": "double",
    "expected": "double",
    "low": "double",
    "high": "double",
    "is_sound": "boolean",
    "complaint": "varchar",
    "accepted_because": "varchar",
}
Connection = duckdb.DuckDBPyConnection
History = list[dict[tuple[str, str], float]]


def contract_table(portfolio: Portfolio) -> str:
    """The table's name in the warehouse."""
    return f"{portfolio.name}.data_contract"


def check_month(
    connection: Connection, lake: Lake, portfolio: Portfolio, table: Table, month: date
) -> list[str]:
    """Measure and judge a month of a raw table, record it in place of what was recorded; returns
    the complaints.

    A month that somebody has accepted stays accepted, and has no complaints, as long as what was
    overruled is what is found: a later delivery that is broken in another way is complained of
    again.
    """
    # From recorded measures, not from raw rows: a month costs one scan of its own rows, with any
    # length of history.
    history = read_history(connection, portfolio, table, month)
    judged = judge_month(measure_month(connection, portfolio, table, month), history)
    accepted = _acceptance(connection, portfolio, table, month, judged)
    rows = _as_rows(table, month, judged, accepted)
    write(
        connection,
        lake,
        lambda: _replace(connection, portfolio, table, month, rows),
        note=_note(portfolio, month),
    )
    if accepted:
        return []

    complaints = []
    for each in judged:
        if not each.is_sound:
            complaints.append(complaint(table.name, each))

    return complaints


def read_history(
    connection: Connection, portfolio: Portfolio, table: Table, month: date
) -> History:
    """Measures of the sound months before `month`, oldest first, none older than the newest
    accepted one.
    """
    name = contract_table(portfolio)
    if not table_exists(connection, name):
        return []

    rows = connection.execute(
        f"""
        with earlier as (
            select *, bool_and(is_sound) over (partition by month) as is_sound_month from {name}
            where table_name = ? and month < ?
        ),
        since as (select max(month) as month from earlier where accepted_because is not null)
        select month, column_name, measure, value from earlier
        where is_sound_month and value is not null
            -- what was accepted is the new normal: older months would refuse it again and again
            and month >= coalesce((select month from since), date '0001-01-01')
        order by month
        """,
        [table.name, month],
    ).fetchall()
    months: dict[date, dict[tuple[str, str], float]] = {}
    for each, column, measure, value in rows:
        months.setdefault(each, {})[(column, measure)] = value

    return list(months.values())[-HISTORY_MONTHS:]


def read_complaints(connection: Connection, portfolio: Portfolio, month: date) -> list[str]:
    """What is wrong with the month's feeds; nothing if they are sound,
    accepted or not checked.
    """
    name = contract_table(portfolio)
    if not table_exists(connection, name):
        return []

    query = (
        f"select complaint from {name} where month = ? and not is_sound order by table_name, "
        "column_name, measure"
    )
    return [row[0] for row in connection.execute(query, [month]).fetchall()]


def require_sound(connection: Connection, portfolio: Portfolio, months: Sequence[date]) -> None:
    """DataError naming what is wrong where the data contract of a month is broken."""
    broken = []
    for month in months:
        complaints = read_complaints(connection, portfolio, month)
        if complaints:
            broken.append(f"{label(month)}: {' | '.join(complaints)}")

    if broken:
        raise DataError(
            f"data contract of {portfolio.name} broken, nothing scored or published: "
            f"{'; '.join(broken)}. {what_next()}"
        )


def what_next() -> str:
    """What to do about a broken contract."""
    return (
        "Deliver the files of the month again, or, if they are right, "
        "accept them with `churn accept-data`; "
        "other months can be run without it"
    )


def accept_month(
    connection: Connection,
    lake: Lake,
    portfolio: Portfolio,
    month: date,
    reason: str,
    *,
    record: Callable[[list[str]], object],
) -> list[str]:
    """Take a month as it is: it blocks no more, and later months are compared with it and those
    after it alone.

    `record` is given the complaints that are overruled, before they are; they are returned.
    DataError if there are none, or where the month has not been judged.
    """
    name = contract_table(portfolio)
    overruled = read_complaints(connection, portfolio, month)
    if not overruled and not _is_judged(connection, name, month):
        raise DataError(
            f"{portfolio.name} has no feeds of {label(month)}: that month has not been taken in; "
            "check --month, "
            "or land its files and run them"
        )
    if not overruled:
        raise DataError(
            f"nothing is wrong with the feeds of {portfolio.name} in {label(month)}; "
            "nothing to accept"
        )

    # The audit record comes first: if writing the table fails, the trail shows an acceptance that
    # had no effect, never an effect without a record.
    record(overruled)
    query = f"""
        update {name} set is_sound = true, accepted_because = ? where month = ? and table_name in
        (select table_name from {name} where month = ? and not is_sound)
    """
    accept = f"{portfolio.name}: data of {label(month)} accepted"
    write(connection, lake, lambda: connection.execute(query, [reason, month, month]), note=accept)
    return overruled


def _is_judged(connection: Connection, name: str, month: date) -> bool:
    query = f"select 1 from {name} where month = ? limit 1"
    return (
        table_exists(connection, name) and connection.execute(query, [month]).fetchone() is not None
    )


def _acceptance(
    connection: Connection,
    portfolio: Portfolio,
    table: Table,
    month: date,
    judged: Sequence[JudgedMeasure],
) -> str | None:
    """Why the table's month was accepted; None if it was not, or where more is wrong with it now
    than then.
    """
    name = contract_table(portfolio)
    if not table_exists(connection, name):
        return None

    query = (
        f"select column_name, measure, value, accepted_because from {name} "
        "where month = ? and table_name = ? and accepted_because is not null "
        "and complaint is not null"
    )
    found = connection.execute(query, [month, table.name]).fetchall()
    if not found:
        return None

    overruled = {(column, measure): value for column, measure, value, _ in found}
    for each in judged:
        if each.is_sound:
            continue
        measure = each.measure
        accepted = overruled.get((measure.column, measure.name), nan)
        if not isclose(measure.value or 0.0, accepted, rel_tol=SAME_WITHIN):
            return None

    return found[0][3]


def _as_rows(
    table: Table, month: date, judged: Sequence[JudgedMeasure], accepted: str | None
) -> pa.Table:
    rows = []
    for each in judged:
        row = {
            "month": month,
            "table_name": table.name,
            "column_name": each.measure.column,
            "measure": each.measure.name,
            "value": each.measure.value,
            "expected": each.expected,
            "low": each.low,
            "high": each.high,
            "is_sound": each.is_sound or accepted is not None,
            "complaint": None if each.is_sound else complaint(table.name, each),
            "accepted_because": accepted,
        }
        rows.append(row)

    return arrow_rows(COLUMNS, rows)


def _replace(
    connection: Connection, portfolio: Portfolio, table: Table, month: date, rows: pa.Table
) -> None:
    name = contract_table(portfolio)
    ensure_table(connection, name, COLUMNS)
    connection.execute(
        f"delete from {name} where month = ? and table_name = ?", [month, table.name]
    )
    connection.register("judged_rows", rows)
    connection.execute(f"insert into {name} by name select * from judged_rows")
    connection.unregister("judged_rows")


def _note(portfolio: Portfolio, month: date) -> str:
    return f"{portfolio.name} data contract of {label(month)}"
