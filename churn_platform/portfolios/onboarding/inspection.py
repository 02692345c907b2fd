"""What the columns of a file hold, found in two scans with the very casts of ingest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb
import msgspec

from churn_platform.ingest.casting import NATIVE, cast, present
from churn_platform.portfolios.spec import Column, Format
from churn_platform.published.value_format import ValueFormat

Kind = Literal["empty", "boolean", "integer", "number", "date", "days", "text", "unusable"]

COLUMNS_AT_ONCE = 2  # a statement over hundreds of columns takes gigabytes
GROUPED = r"[+-]?[1-9][0-9]{0,2}([.][0-9]{3})+"  # 1.234: a decimal number, or one with thousands
COUNTED_LEVELS = 200  # far above what a category may have: the approximate count was seen to be off by a fifth
MEASURES = (
    *("rows", "texts", "low", "high", "numbers", "formatted", "no_number"),
    *("points", "grouped", "codes"),
)
FLOAT32_MAX = 3.4e38
DATE = (
    r"(\d{4}([-/]\d{1,2}|[-/.]\d{1,2}[-/.]\d{1,2})|\d{1,2}[-/.]\d{1,2}[-/.](\d{2}|\d{4}))([ T].*)?"
    r"|(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
)
FORMATTED = r"[^0-9A-Za-z]*[0-9][0-9.,]*[^0-9A-Za-z]*"
NESTED = ("BLOB", "STRUCT", "MAP", "UNION", "INTERVAL")


@dataclass(frozen=True)
class Profile:
    """What one column holds.

    `texts` counts the values that are not blank, `present` those that the kind does not take for missing. `levels` has
    the rows of each text as ingest would store it, None where there are more than 200. `distinct` is exact for few
    values and, except in floats, for nearly unique ones; approximate between.
    """

    header: str
    name: str
    identifier: str
    sql_type: str
    kind: Kind
    rows: int
    texts: int
    present: int
    distinct: int
    levels: Mapping[str, int] | None
    low: float | None
    high: float | None
    numbers: int
    formatted: int
    no_number: str | None
    points: int = 0
    grouped: int = 0
    codes: int = 0
    form: ValueFormat | None = None

    @property
    def is_text(self) -> bool:
        """Whether the file holds the column as text."""
        return self.sql_type == "VARCHAR"

    @property
    def is_open_number(self) -> bool:
        """Whether every point in its numbers may as well stand between thousands."""
        return self.points > 0 and self.points == self.grouped

    @property
    def has_codes(self) -> bool:
        """Whether numbers begin with zeros, so that they are codes."""
        return self.codes > 0

    def number_sql(self) -> str:
        """SQL for the column as a number: of days those up to a fixed day."""
        if self.kind == "days":
            return f"datediff('day', {self.sql('date')}, date '2000-01-01')::double"
        return self.sql("number")

    @property
    def unique(self) -> bool:
        """Whether no value occurs twice."""
        return self.distinct == self.present

    def sql(self, column_type: str) -> str:
        """The column's value as a contract of that type would read it."""
        return read_as(column_type, self.identifier, self.sql_type, self.form)


def read_as(column_type: str, identifier: str, sql_type: str, form: ValueFormat | None = None) -> str:
    """SQL for a column's value as a contract of that type would read it."""
    given = Format(**msgspec.structs.asdict(form)) if form else None
    column = Column(name="value", type=column_type, description="", format=given)  # type: ignore[arg-type]
    return cast(column, identifier, sql_type)


def inspect(
    connection: duckdb.DuckDBPyConnection, reader: str, headers: Mapping[str, tuple[str, str]]
) -> dict[str, Profile]:
    """A profile per column of the file, by normalised header, in the file's order."""
    columns = [(quoted(header), sql_type) for header, sql_type in headers.values()]
    measured = _measure(connection, reader, columns)
    counted = _count(connection, reader, [(*column, found) for column, found in zip(columns, measured, strict=True)])
    return {
        name: _profile(name, header, found, count)
        for (name, header), found, count in zip(headers.items(), measured, counted, strict=True)
    }


def _profile(
    name: str, header: tuple[str, str], found: Mapping[str, Any], count: tuple[int, Mapping[str, int] | None]
) -> Profile:
    kind = _kind(header[1], found)
    distinct, levels = count
    return Profile(
        name=name,
        header=header[0],
        identifier=quoted(header[0]),
        sql_type=header[1],
        kind=kind,
        present=found["texts" if kind == "text" else "values"],
        distinct=distinct,
        levels=levels,
        **{measure: found[measure] for measure in MEASURES},
    )


def quoted(header: str) -> str:
    """A header as an SQL identifier."""
    return '"' + header.replace('"', '""') + '"'


def _values(place: int, identifier: str, sql_type: str) -> dict[str, str]:
    """What a column is read as, once each: measures that repeated these would make statements of megabytes."""
    text, value = (present(identifier, sql_type, kind) for kind in ("string", "number"))
    return {
        f"text_{place}": text,
        f"value_{place}": value,
        f"number_{place}": read_as("number", identifier, sql_type),
        f"integer_{place}": read_as("integer", identifier, sql_type),
        f"boolean_{place}": read_as("boolean", identifier, sql_type),
    }


def _measures(place: int, sql_type: str) -> dict[str, str]:
    number, value = f"number_{place}", f"value_{place}"
    finite = f"coalesce(isfinite({number}), false)"
    return {
        "rows": "count(*)",
        "texts": f"count(text_{place})",
        "values": f"count({value})",
        "booleans": f"count(boolean_{place})",
        "numbers": f"count_if({finite})",
        "low": f"min({number}) filter ({finite})",
        "high": f"max({number}) filter ({finite})",
        "no_number": f"(any_value({value}) filter (not {finite}))::varchar",
        "distinct": f"approx_count_distinct(text_{place})",
        **_patterns(f"({value})::varchar", finite, f"integer_{place}", sql_type),
    }


def _patterns(value: str, finite: str, integer: str, sql_type: str) -> dict[str, str]:
    """How values are written; a floating-point column is not searched, which would take longer than all the rest."""
    if sql_type in NATIVE["number"]:
        none = dict.fromkeys(("integers", "whole", "codes", "dates", "points", "grouped"), "0")
        return none | {"formatted": f"count_if({finite})"}
    return {
        "integers": f"count({integer})",
        "whole": f"count_if(regexp_full_match({value}, '[+-]?[0-9]+'))",
        "codes": f"count_if(regexp_full_match({value}, '[+-]?0[0-9]+'))",
        "points": f"count_if({finite} and contains({value}, '.'))",
        "grouped": f"count_if(regexp_full_match({value}, '{GROUPED}'))",
        "dates": f"count_if(regexp_full_match({value}, '{DATE}'))",
        "formatted": f"count_if({finite} or regexp_full_match({value}, '{FORMATTED}'))",
    }


def _measure(
    connection: duckdb.DuckDBPyConnection, reader: str, columns: Sequence[tuple[str, str]]
) -> list[dict[str, Any]]:
    measured: list[dict[str, Any]] = []
    for chunk in batched(columns):
        values: dict[str, str] = {}
        for place, column in enumerate(chunk):
            values |= _values(place, *column)
        measures = [_measures(place, sql_type) for place, (_, sql_type) in enumerate(chunk)]
        read = ", ".join(f"{sql} as {name}" for name, sql in values.items())
        listed = ", ".join(sql for column in measures for sql in column.values())
        # Kept in a table: the optimizer puts an inner select into every measure again, and takes seconds a column.
        connection.execute(f"create or replace temp table read_values as select {read} from {reader}")
        found = connection.execute(f"select {listed} from read_values").fetchone()
        assert found is not None
        figures = iter(found)
        measured += [{measure: next(figures) for measure in column} for column in measures]
    return measured


def batched(columns: Sequence[Any]) -> list[Sequence[Any]]:
    """The columns in as many parts as statements are to be made of them."""
    return [columns[start : start + COLUMNS_AT_ONCE] for start in range(0, len(columns), COLUMNS_AT_ONCE)]


def _count(
    connection: duckdb.DuckDBPyConnection, reader: str, columns: Sequence[tuple[str, str, Mapping[str, Any]]]
) -> list[tuple[int, dict[str, int] | None]]:
    """Per column, how many different values there are, and the rows of each where there are few."""
    counts: list[Any] = []
    for chunk in batched(columns):
        listed = ", ".join(_counter(*column) for column in chunk)
        found = connection.execute(f"select count(*), {listed} from {reader}").fetchone()
        assert found is not None
        counts += found[1:]
    return [
        (len(count), dict(sorted(count.items()))) if isinstance(count, dict) else (count or 0, None) for count in counts
    ]


def _counter(identifier: str, sql_type: str, found: Mapping[str, Any]) -> str:
    text = read_as("string", identifier, sql_type)
    if 0 < found["distinct"] <= COUNTED_LEVELS:
        return f"histogram({text})"
    if sql_type not in NATIVE["number"] and found["distinct"] > found["texts"] / 2:
        return f"count(distinct {text})"
    return str(found["distinct"])


def _kind(sql_type: str, found: Mapping[str, Any]) -> Kind:
    values = found["values"]
    if values == 0:
        return "empty"
    if sql_type.startswith(NESTED) or sql_type.endswith("]"):
        return "unusable"
    if sql_type.startswith(("DATE", "TIMESTAMP")) or found["dates"] == values:
        return "date"
    if found["booleans"] == values:
        return "boolean"
    return _number_kind(sql_type, found)


def _number_kind(sql_type: str, found: Mapping[str, Any]) -> Kind:
    values = found["values"]
    is_number = found["numbers"] == values and max(abs(found["low"]), abs(found["high"])) < FLOAT32_MAX
    if not is_number and sql_type in NATIVE["number"]:
        return "unusable"
    if not is_number or found["codes"]:
        return "text"
    return "integer" if found["integers"] == found["whole"] == values else "number"
