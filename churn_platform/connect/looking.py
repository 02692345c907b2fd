"""What an operator's sources hold: tables or files, their columns, and a sample of the values."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
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
SAMPLE_PAGES, PAGE_BYTES = 25, 8192  # of Postgres: as many rows, by their usual length
MOST_TABLES = 500
# What Postgres and MySQL keep of themselves; DuckDB lists it among a user's own views.
SYSTEM_SCHEMAS = ("pg_catalog", "information_schema", "mysql", "performance_schema", "sys")
MANY_LEVELS = 40  # more are no categories, but names or numbers
YEAR = r"(?:19|20)\d\d"
MONTH = r"(?:0[1-9]|1[0-2])"
# How a path names its month, with what stands there in the spec; a group is a day behind it. The
# digits without a sign come last: they could be any number.
MONTHS = (
    (rf"(?<!\d){YEAR}-{MONTH}(-\d\d)?(?!\d)", "{month}"),
    (rf"(?<!\d)year={YEAR}/month={MONTH}(?!\d)", "year={year}/month={mm}"),
    (rf"(?<!\d){YEAR}/{MONTH}(?!\d)", "{year}/{mm}"),
    (rf"(?<!\d){YEAR}{MONTH}(\d\d)?(?!\d)", "{year}{mm}"),
)


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
        if len(counts) > MANY_LEVELS:
            return []
        return [text for text, _ in counts.most_common()]

    def share_of(self, values: Collection[str]) -> float:
        """How often one of some values occurs among all that are not missing."""
        among = set(values)
        return sum(text in among for text in self.texts) / max(1, len(self.texts))

    @property
    def is_unique(self) -> bool:
        """Whether every row of the sample has another value."""
        # One row says nothing: every column of it would be a key.
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
        # The innermost part that is a word: not the month, the number of a part, or the ending.
        parts = re.split(r"[/.]", self.place)
        for part in reversed(parts):
            if "{" in part or part.lower() in KINDS:
                continue
            if re.search("[a-z]{3}", part):
                return part
        return self.place


def look(source: OpenSource) -> list[SourceTable]:
    """Every table or set of files of a source; SourceError if there is none."""
    if source.spec.kind in FILE_KINDS:
        key = "path"
        places = _file_patterns(source)
    else:
        key = "table"
        places = _tables(source)

    found = []
    refusal = SourceError(f"source {source.name} has no tables or files that can be read")
    # A warehouse may have thousands, and each costs a query of its own.
    for place in places[:MOST_TABLES]:
        columns: list[SourceColumn] = []
        try:
            columns = _columns(source, key, place)
        except SourceError as error:
            # One that this user may not read is for nothing, and must not keep the others away.
            refusal = error
        found.append(SourceTable(source.name, key, place, columns))

    if not any(table.columns for table in found):
        raise refusal
    return found


def _tables(source: OpenSource) -> list[str]:
    if source.spec.kind == "odbc":
        # DuckDB does not list the tables behind a driver, so the database is asked.
        query = source.query_relation(
            "select table_schema, table_name from information_schema.tables"
        )
        rows = _fetched(source, f"select * from {query}")
        return [f"{schema}.{name}" for schema, name in rows]
    if source.spec.kind in ("delta", "iceberg"):
        return _folders(source)

    rows = source.connection.execute(
        "select schema_name, table_name as name from duckdb_tables() where database_name = $name "
        "union select schema_name, view_name from duckdb_views() where database_name = $name "
        "and not internal order by all",
        {"name": NAME},
    ).fetchall()
    rows = [row for row in rows if row[0] not in SYSTEM_SCHEMAS]
    # SQLite has one schema, which its users never write.
    if source.spec.kind == "sqlite":
        return [name for _, name in rows]
    return [f"{schema}.{name}" for schema, name in rows]


def _folders(source: OpenSource) -> list[str]:
    # A glob lists files alone, so a table's folder is known by the files of its own log.
    log = "_delta_log" if source.spec.kind == "delta" else "metadata"
    names = set()
    for relative in _relative_paths(source, f"*/{log}/*"):
        name, _, _ = relative.partition("/")
        names.add(name)
    return sorted(names)


def _file_patterns(source: OpenSource) -> list[str]:
    """The paths with the month and all other numbers left open, each set of files once."""
    patterns = set()
    for relative in _relative_paths(source, "**"):
        bare = relative.lower().removesuffix(".gz")
        ending = bare.rpartition(".")[2]
        if ending in KINDS:
            patterns.add(month_pattern(relative))
    return sorted(patterns)


def month_pattern(path: str) -> str:
    """A path with `{month}`, or `{year}` and `{mm}`, in place of the month it names, and `*` for
    what follows it.
    """
    for pattern, mark in MONTHS:
        found = re.search(pattern, path)
        if found is None:
            continue
        begin, end = found.span()
        before = path[:begin]
        after = path[end:]
        # A file a day: all days of the month are its files.
        day = "*" if found.lastindex else ""
        # Numbers behind the month count parts of it; those before it belong to the name.
        rest = re.sub(r"\d+", "*", after)
        return f"{before}{mark}{day}{rest}"
    return path


def _relative_paths(source: OpenSource, pattern: str) -> list[str]:
    """The files of the pattern, by their paths below the source's folder or address."""
    location = source.spec.location.rstrip("/")  # type: ignore[union-attr]
    whole = literal(f"{location}/{pattern}")
    paths = []
    for (path,) in _fetched(source, f"from glob({whole})"):
        paths.append(path.removeprefix(f"{location}/"))
    return paths


def _fetched(source: OpenSource, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query; SourceError if the source refuses or does not answer."""
    return told(
        lambda: source.connection.execute(query).fetchall(),
        source.credentials,
    )


def _columns(source: OpenSource, key: str, place: str) -> list[SourceColumn]:
    relation = sample_relation(source, key, place)
    query = f"select * from {relation} limit {SAMPLE_ROWS}"
    described = _fetched(source, f"describe {query}")
    rows = _fetched(source, query)

    columns = []
    for position, (name, sql_type, *_) in enumerate(described):
        values = []
        for row in rows:
            value = row[position]
            if value is not None:
                values.append(value)
        column = SourceColumn(
            name,
            sql_type,
            values,
            len(rows),
        )
        columns.append(column)
    return columns


def sample_relation(source: OpenSource, key: str, place: str) -> str:
    """The table, or the files of every month; of a large table of Postgres some of its pages."""
    from datetime import date

    from churn_platform.portfolios.sources import Origin
    from churn_platform.portfolios.spec import FileOptions

    if source.spec.kind == "postgres":
        spread = _spread_query(source, place)
        if spread is not None:
            return source.query_relation(spread)
    if key == "path":
        place = re.sub(r"\{(month|year|mm)\}", "*", place)
    origin = Origin.model_validate({"source": source.name, key: place})
    # No part of a sample depends on the month: the bounds are never used.
    return source.relation(origin, date.min, date.min, FileOptions())


def _spread_query(source: OpenSource, place: str) -> str | None:
    """A query of some pages from all over a table of Postgres; None for a view, and for a table
    that is small anyway.
    """
    # The first rows of a table are of one day, and often of one kind.
    schema, _, name = place.rpartition(".")
    parts = "select sum(pg_relation_size(relid)) from pg_partition_tree(class.oid)"
    asked = (
        f"select (pg_relation_size(class.oid) + coalesce(({parts}), 0))::bigint as size "
        "from pg_class as class "
        "join pg_namespace as space on space.oid = class.relnamespace "
        f"where space.nspname = {literal(schema)} and class.relname = {literal(name)} "
        "and class.relkind in ('r', 'm', 'p')"
    )
    sizes = _fetched(source, f"select size from {source.query_relation(asked)}")
    if not sizes or sizes[0][0] <= SAMPLE_PAGES * PAGE_BYTES:
        return None

    share = 100 * SAMPLE_PAGES * PAGE_BYTES / sizes[0][0]
    # The same pages and rows each time: a proposal that is made again says the same. Mixed, since
    # short rows are too many, and the first of them would be those of the first pages.
    return (
        f"select * from (select * from {identifier(schema)}.{identifier(name)} "
        f"tablesample system ({share:.6f}) repeatable (7)) as pages "
        f"order by hashtext(pages::text) limit {SAMPLE_ROWS}"
    )
