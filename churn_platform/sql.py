"""Quotes what goes into SQL text: literals, identifiers, and paths for DuckDB's readers.

A value that can be a parameter should be one. DuckDB takes none in ATTACH, COPY and most table
functions.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

GLOB_SIGNS = re.compile(r"([*?\[])")


def literal(value: object) -> str:
    """A text, or a value written as one, as a string literal."""
    return "'" + str(value).replace("'", "''") + "'"


def literals(values: Iterable[object]) -> str:
    """Several string literals, with commas between."""
    return ", ".join(map(literal, values))


def one_of(value: str, texts: Iterable[object]) -> str:
    """Whether a text is one of several literals; null for null."""
    # Not `in`: DuckDB makes a join of each long list, and a statement over hundreds of columns then
    # takes hundreds of joins, minutes and gigabytes.
    return f"list_contains([{literals(texts)}]::varchar[], {value})"


def identifier(name: str) -> str:
    """A column's, table's or schema's name, also with unusual signs."""
    return '"' + name.replace('"', '""') + '"'


def local_time(instant: str, timezone: str, offsets: Sequence[tuple[datetime, int]]) -> str:
    """A time in UTC as a clock of the zone shows it, by its `offsets` as `zone_offsets` has them;
    the newest first, so few are enough.
    """
    # Without a conversion in UTC: of a billion events it would cost seconds for nothing. By offsets
    # elsewhere, for DuckDB takes 25 times as long to look each instant up.
    if timezone == "UTC":
        return instant
    cases = []
    for began, seconds in reversed(offsets):
        since = f"{instant} >= timestamp '{began:%Y-%m-%d %H:%M:%S}'"
        cases.append(f"when {since} then {instant} + interval ({seconds}) second")
    looked_up = f"timezone({literal(timezone)}, timezone('UTC', {instant}))"
    return f"case {' '.join(cases)} else {looked_up} end"


def select_list(expressions: Mapping[str, str]) -> str:
    """What stands behind `select`: SQL expressions, by the name of the column that each becomes."""
    return ", ".join(f"{sql} as {identifier(name)}" for name, sql in expressions.items())


def reader_pattern(path: Path | str) -> str:
    """The path or address as `read_parquet` and `read_csv` take it, which read patterns in it."""
    # They take `*`, `?` and `[` as a pattern: without this `v[2]/a.csv` would mean
    # `v2/a.csv`, too.
    return GLOB_SIGNS.sub(r"[\1]", str(path))


def read_parquet(path: Path, options: str = "") -> str:
    """The table function that reads one Parquet file."""
    return f"read_parquet({literal(reader_pattern(path))}{options and f', {options}'})"


def read_csv(path: Path, options: str) -> str:
    """The table function that reads one CSV file."""
    return f"read_csv({literal(reader_pattern(path))}, {options})"
