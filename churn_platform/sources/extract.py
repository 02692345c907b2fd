"""Reads one month of a table from its source into a landed file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from churn_platform.errors import MappingError, SourceError
from churn_platform.ingest.landing_folder import draft_of, put_in_place
from churn_platform.months import as_of, label, last_complete_month, month_bounds
from churn_platform.portfolios.places import place_of
from churn_platform.portfolios.sources import MappedColumn, Origin
from churn_platform.portfolios.spec import Portfolio, Table
from churn_platform.sources.failures import told, with_patience
from churn_platform.sources.mapping import MappedValue, mapped_values
from churn_platform.sources.month_filter import ISO, Period, month_condition
from churn_platform.sources.open_source import OpenSource, Resources, opened_source
from churn_platform.sql import identifier, literal, read_parquet

WRONG = "a value that the mapping does not know"  # what the reading statement raises
ROWS_AT_ONCE = 100_000  # of a row group: what is held before it is written
NEAR_SECONDS = 14 * 3600  # no two zones are further apart than about this


@dataclass(frozen=True)
class Reading:
    """One month of a table as it is to be read: relation, condition, and the values of the
    contract's columns.
    """

    table: Table
    origin: Origin
    month: date
    relation: str
    condition: str
    values: Sequence[MappedValue]

    @property
    def rows(self) -> str:
        """SQL for the rows of the month, with the source's own columns."""
        return f"from {self.relation} where ({self.condition})"

    @property
    def unreadable(self) -> str:
        """SQL for whether a row has a value that the mapping does not know, or lacks one that the
        contract wants.
        """
        conditions = []
        for value in self.values:
            if value.is_wrong != "false":
                conditions.append(f"({value.is_wrong})")
            if value.column.required and value.source_column is not None:
                conditions.append(f"({value.given}) is null")
        return " or ".join(conditions) or "false"


@dataclass(frozen=True)
class Extracted:
    """A landed file, its rows, and those that were set aside; no file for a month without rows of
    an optional table.
    """

    file: Path | None
    rows: int
    set_aside: int = 0


def extract_month(
    portfolio: Portfolio,
    table: Table,
    month: date,
    *,
    landing_dir: Path,
    resources: Resources,
    spec_file: Path,
    today: date,
) -> Extracted:
    """Land a month of a table from its source, in place of what had landed of it; `today` is the
    operator's own day.

    SourceError or MappingError, and nothing changed, where the source refuses, does not answer, has
    no row of the month, or has a value that the mapping does not know.
    """
    if month > last_complete_month(today):
        raise SourceError(
            f"{label(month)} has not ended in {portfolio.timezone}, where it is {today}; read "
            f"{_origin(table).place} once it has"
        )

    source = portfolio.sources[_origin(table).source]
    work = partial(
        _extract_once,
        portfolio,
        table,
        month,
        landing_dir=landing_dir,
        resources=resources,
        spec_file=spec_file,
        today=today,
    )
    return with_patience(work, source.attempts)


def _extract_once(
    portfolio: Portfolio,
    table: Table,
    month: date,
    *,
    landing_dir: Path,
    resources: Resources,
    spec_file: Path,
    today: date,
) -> Extracted:
    name = _origin(table).source
    spec = portfolio.sources[name]
    folder = landing_dir / portfolio.name / table.name
    draft = draft_of(folder, month)
    with opened_source(name, spec, resources) as source:
        reading = prepared(
            source,
            portfolio,
            table,
            month,
            spec_file=spec_file,
            today=today,
        )
        folder.mkdir(parents=True, exist_ok=True)
        try:
            rows, aside = write_month(source, reading, draft, portfolio.timezone, spec_file)
            if rows == 0:
                # What had landed of it goes, too: the source has no such rows any more.
                put_in_place(None, folder, month)
                return Extracted(None, 0, aside)
            landed = put_in_place(draft, folder, month, ".parquet")
        finally:
            draft.unlink(missing_ok=True)
    return Extracted(landed, rows, aside)


def prepared(
    source: OpenSource,
    portfolio: Portfolio,
    table: Table,
    month: date,
    *,
    spec_file: Path,
    today: date,
) -> Reading:
    """What is to be read for a month; MappingError names the line of the spec for a column that the
    source lacks.
    """
    origin = _origin(table)
    relation = source.relation(origin, month, as_of(month), table.file)
    types = _described(source, relation, origin, month)
    try:
        values = mapped_values(
            table,
            origin,
            types,
            source_zone=source.spec.timezone,
            own_zone=portfolio.timezone,
        )
        condition = _condition(source, portfolio, table, month, types, values, today)
    except MappingError as error:
        line = _line(spec_file, table, error.key)
        raise MappingError(f"{line}: {error}") from None
    # An ODBC driver carries out statements alone, so the condition has to be in its text.
    is_odbc_table = source.spec.kind == "odbc" and origin.table
    if is_odbc_table and condition != "true":
        query = f"select * from {origin.table} where {_standard(condition)}"
        relation = source.query_relation(query)
        condition = "true"
    return Reading(table, origin, month, relation, condition, values)


def write_month(
    source: OpenSource, reading: Reading, draft: Path, own_zone: str, spec_file: Path
) -> tuple[int, int]:
    """Write the month into the draft and look at its times; returns its rows, and those that were
    set aside.

    MappingError for what the mapping does not know, where it is more than may be set aside;
    SourceError for a month without rows, unless the table is optional.
    """
    aside = _count_unreadable(source, reading, spec_file) if reading.origin.set_aside else 0
    rows = _copied(source, reading, draft, spec_file)
    if rows == 0 and not reading.table.optional:
        raise SourceError(_no_rows(reading, source))
    _check_zone(source, reading, draft, own_zone, spec_file)
    return rows, aside


def _described(source: OpenSource, relation: str, origin: Origin, month: date) -> dict[str, str]:
    try:
        rows = told(
            lambda: source.connection.execute(f"describe select * from {relation}").fetchall(),
            source.credentials,
        )
    except SourceError as error:
        if "No files found" in str(error):
            raise SourceError(
                f"source {source.name} has no files of {label(month)}: {origin.place}; deliver "
                "them, or correct path: in the spec; nothing was changed"
            ) from None
        raise
    return {row[0]: row[1] for row in rows}


def _condition(
    source: OpenSource,
    portfolio: Portfolio,
    table: Table,
    month: date,
    types: dict[str, str],
    values: Sequence[MappedValue],
    today: date,
) -> str:
    origin = _origin(table)
    # Query and path have picked out the month already.
    if origin.query is not None or origin.has_month_in_path:
        return "true"

    period = _period(source, table, types, values)
    if period is not None:
        return month_condition(period, month, portfolio.timezone)
    newest = last_complete_month(today)
    if month != newest:
        raise MappingError(
            f"{origin.place} does not say of which month a row is, so it can be read for "
            f"{label(newest)} alone, not for {label(month)}; give period: with the column that "
            "does, or a query with {month_start} and {month_end}",
            "table",
        )
    return "true"


def _period(
    source: OpenSource, table: Table, types: dict[str, str], values: Sequence[MappedValue]
) -> Period | None:
    origin = _origin(table)
    if origin.period is not None:
        if origin.period not in types:
            known = ", ".join(types)
            raise MappingError(
                f"{origin.place} has no column {origin.period!r}, which period: names; it has "
                f"{known}",
                "period",
            )
        return Period(
            origin.period,
            types[origin.period],
            formats=(origin.period_format,) if origin.period_format else (),
            timezone=source.spec.timezone,
        )

    for value in values:
        name = value.column.name
        there = value.source_column
        if name != table.event_time or there is None:
            continue
        # On the source's own column: it can use an index there, and read nothing else.
        mapped = origin.columns.get(name)
        return Period(
            there,
            types[there],
            formats=mapped.format if mapped else (),
            timezone=_zone(source, mapped),
        )
    return None


def _count_unreadable(source: OpenSource, reading: Reading, spec_file: Path) -> int:
    """The rows that are to be set aside; MappingError if they are too many."""
    rows, wrong = _one_row(
        source, f"select count(*), count_if({reading.unreadable}) {reading.rows}"
    )
    most = reading.origin.set_aside
    if wrong <= most * rows:
        return wrong

    # Not a few broken rows, but something that changed in the source.
    told_of = complaints(source, reading, spec_file)
    line = _line(spec_file, reading.table, "set_aside")
    told_of.append(
        f"{line}: {wrong} of {rows} rows of {reading.origin.place} cannot be read; "
        f"set_aside: leaves out {most:.1%} at most"
    )
    raise MappingError("\n".join(told_of))


def _copied(source: OpenSource, reading: Reading, draft: Path, spec_file: Path) -> int:
    """Write the month's rows into the draft; MappingError for the first value that is wrong, with
    all the others.
    """
    refuse = f"error({literal(WRONG)})"
    columns = []
    for value in reading.values:
        checked = value.sql
        # Stopped at the first wrong value: a month may have a hundred million rows.
        if value.is_wrong != "false":
            checked = f"case when {value.is_wrong} then {refuse} else {value.sql} end"
        columns.append(f"{checked} as {identifier(value.column.header)}")
    listed = ", ".join(columns)
    kept = reading.rows
    if reading.origin.set_aside:
        kept = f"{kept} and not coalesce(({reading.unreadable}), false)"
    statement = (
        f"copy (select {listed} {kept}) to {literal(draft)} "
        f"(format parquet, row_group_size {ROWS_AT_ONCE})"
    )
    try:
        (rows,) = _one_row(source, statement)
    except SourceError as error:
        if WRONG not in str(error):
            raise
        wrong = complaints(source, reading, spec_file)
    else:
        return rows
    # A second reading, only of a month that is refused anyway: a sound one pays nothing for it.
    raise MappingError("\n".join(wrong))


def complaints(source: OpenSource, reading: Reading, spec_file: Path) -> list[str]:
    """Each column with a value that the mapping does not know: its line in the spec, the number of
    rows, an example.
    """
    counted = ["count(*)"]
    for value in reading.values:
        counted.append(f"count_if({value.is_wrong})")
        counted.append(f"any_value(({value.given})::varchar) filter ({value.is_wrong})")
    listed = ", ".join(counted)
    # All columns in one pass: the source is read once more, not once for each.
    rows, *found = _one_row(source, f"select {listed} {reading.rows}")

    counts = found[::2]
    examples = found[1::2]
    told_of = []
    for value, count, example in zip(reading.values, counts, examples, strict=True):
        if not count:
            continue
        name = value.column.name
        line = _line(spec_file, reading.table, name)
        shown = _shown(value, example)
        told_of.append(
            f"{line}: column {name} of {reading.table.name}: {count} of {rows} values of "
            f"{value.source_column} in {reading.origin.place} cannot be mapped to "
            f"{_wanted(value)}, e.g. {shown}"
        )
    return told_of


def _shown(value: MappedValue, example: object) -> str:
    # The message goes into logs, where no phone number may be.
    if value.column.hashed:
        return "a number that is not shown"
    return f"{example!s:.80}"


def _one_row(source: OpenSource, statement: str) -> tuple[Any, ...]:
    """The only row of a statement; SourceError if the source refuses or does not answer."""
    found = told(
        lambda: source.connection.execute(statement).fetchone(),
        source.credentials,
    )
    assert found is not None
    return found


def _wanted(value: MappedValue) -> str:
    if value.column.levels:
        levels = ", ".join(value.column.levels)
        return f"one of {levels}; add it under levels:"
    return f"type {value.column.type}"


def _check_zone(
    source: OpenSource, reading: Reading, draft: Path, own_zone: str, spec_file: Path
) -> None:
    """MappingError if events lie outside the month, and tell whether a zone may be the cause."""
    event_time = reading.table.event_time
    if event_time is None:
        return
    first, end = month_bounds(reading.month, own_zone)
    begin = f"timestamp '{first:{ISO}}'"
    stop = f"timestamp '{end:{ISO}}'"
    time = identifier(reading.table.column(event_time).header)
    # Seconds outside of the month, on either side: one of the two is below zero.
    distance = f"greatest(epoch({begin} - {time}), epoch({time} - {stop}))"
    query = (
        f"select count(*), any_value({time}), max({distance}) from {read_parquet(draft)} "
        f"where not ({time} >= {begin} and {time} < {stop})"
    )
    found = source.connection.execute(query).fetchone()
    assert found is not None
    count, example, furthest = found
    if not count:
        return

    mapped = reading.origin.columns.get(event_time)
    zone = _zone(source, mapped)
    month = label(reading.month)
    cause = f"what is read is not {month}"
    # A wrong zone moves every time by the same few hours; a wrong month by days.
    if furthest <= NEAR_SECONDS:
        cause = f"all are within hours of it: is {zone} the zone of these times? correct timezone:"
    line = _line(spec_file, reading.table, event_time)
    raise MappingError(
        f"{line}: column {event_time} of {reading.table.name}: {count} events are outside "
        f"{month} of {own_zone}, e.g. {example} UTC; {cause}; nothing was changed"
    )


def _zone(source: OpenSource, mapped: MappedColumn | None) -> str:
    """The zone of a column's times that are written without one."""
    own = mapped.timezone if mapped else None
    return own or source.spec.timezone


def _no_rows(reading: Reading, source: OpenSource) -> str:
    return (
        f"source {source.name} has no row of {label(reading.month)} in {reading.origin.place}, "
        f"from which {reading.table.name} comes; check that the month is there, and period: in the "
        "spec; nothing was changed"
    )


def _line(spec_file: Path, table: Table, key: str) -> str:
    """The line of the spec that is to be corrected: of a column's mapping, or a part of `from`."""
    keys = ["tables", table.name, "from"]
    if key in {column.name for column in table.columns}:
        keys.append("columns")
    return place_of(spec_file, [*keys, key])


def _standard(condition: str) -> str:
    """The condition as standard SQL has it: DuckDB's zoned literal is none."""
    return condition.replace("timestamptz '", "timestamp '").replace("+00'", "'")


def _origin(table: Table) -> Origin:
    assert table.origin is not None
    return table.origin
