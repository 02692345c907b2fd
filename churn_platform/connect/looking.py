"""What an operator's sources hold: tables or files, their columns, and a sample of the values."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from churn_platform.errors import SourceError
from churn_platform.portfolios.sources import FILE_KINDS
from churn_platform.sources.failures import told
from churn_platform.sources.file_relation import KINDS
from churn_platform.sources.open_source import NAME, OpenSource
from churn_platform.sql import identifier, literal

SAMPLE_ROWS = 2_000
MOST_TABLES = 500
MANY_LEVELS = 40


@dataclass(frozen=True)
class SourceColumn:
    """A column of a source with the values of a sample, missing ones left out."""

    name: str
    sql_type: str
    values: Sequence[Any]
    rows: int

    @cached_property
    def texts(self) -> list[str]:
        """The values as text."""
        return [str(value).strip() for value in self.values]

    @cached_property
    def levels(self) -> list[str]:
        """The different values, the most frequent first; none if they are many."""
        counts = Counter(self.texts)
        return [text for text, _ in counts.most_common()] if len(counts) <= MANY_LEVELS else []

    @property
    def is_unique(self) -> bool:
        """Whether every row of the sample has another value."""
        return len(set(self.texts)) == self.rows and self.rows > 1


@dataclass(frozen=True)
class SourceTable:
    """A table or a set of files; `key` is how `from:` names it, `place` its value."""

    source: str
    key: str
    place: str
    columns: Sequence[SourceColumn]

    @property
    def name(self) -> str:
        """The name that tells what it is about."""
        if self.key == "table":
            return self.place.rpartition(".")[2]
        parts = [part for part in re.split(r"[/.]", self.place) if re.search("[a-z]{3}", part)]
        words = [part for part in parts if "{" not in part and part.lower() not in KINDS]
        return words[-1] if words else self.place


def look(source: OpenSource) -> list[SourceTable]:
    """Every table or set of files of a source; SourceError if there is none."""
    if source.spec.kind in FILE_KINDS:
        places = [("path", place) for place in _file_patterns(source)]
    else:
        places = [("table", place) for place in _tables(source)]

    found = []
    for key, place in places[:MOST_TABLES]:
        found.append(SourceTable(source.name, key, place, _columns(source, key, place)))
    if not found:
        raise SourceError(f"source {source.name} has no tables or files that can be read")
    return found


def _tables(source: OpenSource) -> list[str]:
    if source.spec.kind == "odbc":
        query = source.query_relation(
            "select table_schema, table_name from information_schema.tables"
        )
        rows = told(
            lambda: source.connection.execute(f"select * from {query}").fetchall(),
            source.credentials,
        )
        return [f"{schema}.{name}" for schema, name in rows]
    if source.spec.kind in ("delta", "iceberg"):
        return _folders(source)

    rows = source.connection.execute(
        "select schema_name, table_name as name from duckdb_tables() where database_name = $name "
        "union select schema_name, view_name from duckdb_views() where database_name = $name "
        "and not internal order by all",
        {"name": NAME},
    ).fetchall()
    is_plain = source.spec.kind == "sqlite"
    return [name if is_plain else f"{schema}.{name}" for schema, name in rows]


def _folders(source: OpenSource) -> list[str]:
    location = source.spec.location.rstrip("/")  # type: ignore[union-attr]
    mark = "_delta_log" if source.spec.kind == "delta" else "metadata"
    names = set()
    for path in _glob(source, f"{location}/*/{mark}/*"):
        names.add(path.removeprefix(f"{location}/").split("/")[0])
    return sorted(names)


def _file_patterns(source: OpenSource) -> list[str]:
    """The paths with the month and all other numbers left open, each set of files once."""
    location = source.spec.location.rstrip("/")  # type: ignore[union-attr]
    patterns: Counter[str] = Counter()
    for path in _glob(source, f"{location}/**"):
        relative = path.removeprefix(f"{location}/")
        if relative.lower().removesuffix(".gz").rpartition(".")[2] in KINDS:
            patterns[month_pattern(relative)] += 1
    return sorted(patterns)


def month_pattern(path: str) -> str:
    """A path with `{month}`, or `{year}` and `{mm}`, in place of the month it names, and `*` for
    what follows it.
    """
    year, month = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])"
    for pattern, mark in (
        (rf"(?<!\d){year}-{month}(-\d\d)?(?!\d)", "{month}"),
        (rf"(?<!\d)year={year}/month={month}(?!\d)", "year={year}/month={mm}"),
        (rf"(?<!\d){year}/{month}(?!\d)", "{year}/{mm}"),
        (rf"(?<!\d){year}{month}(\d\d)?(?!\d)", "{year}{mm}"),
    ):
        found = re.search(pattern, path)
        if found:
            before, after = path[: found.start()], path[found.end() :]
            is_day = bool(found.lastindex)
            rest = re.sub(r"\d+", "*", after)
            return f"{before}{mark}{'*' if is_day else ''}{rest}"
    return path


def _glob(source: OpenSource, pattern: str) -> list[str]:
    rows = told(
        lambda: source.connection.execute(f"from glob({literal(pattern)})").fetchall(),
        source.credentials,
    )
    return [row[0] for row in rows]


def _columns(source: OpenSource, key: str, place: str) -> list[SourceColumn]:
    relation = sample_relation(source, key, place)
    query = f"select * from {relation} limit {SAMPLE_ROWS}"

    def read() -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
        described = source.connection.execute(f"describe {query}").fetchall()
        return [row[:2] for row in described], source.connection.execute(query).fetchall()

    types, rows = told(read, source.credentials)
    columns = []
    for position, (name, sql_type) in enumerate(types):
        values = [row[position] for row in rows if row[position] is not None]
        columns.append(SourceColumn(name, sql_type, values, len(rows)))
    return columns


def sample_relation(source: OpenSource, key: str, place: str) -> str:
    """The table, or the files of every month."""
    from datetime import date

    from churn_platform.portfolios.sources import Origin
    from churn_platform.portfolios.spec import FileOptions

    open_path = re.sub(r"\{(month|year|mm)\}", "*", place)
    origin = Origin.model_validate(
        {"source": source.name, key: open_path if key == "path" else place}
    )
    return source.relation(origin, date.min, date.min, FileOptions())


def described_table(table: SourceTable) -> str:
    """The table in words."""
    return f"{table.place} of {table.source} ({', '.join(map(_quoted, table.columns))})"


def _quoted(column: SourceColumn) -> str:
    return identifier(column.name).strip('"')
