"""What the columns of a file hold, found from their different values with the
very casts of ingest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb
import msgspec

from churn_platform.ingest.casting import NATIVE, cast, present
from churn_platform.onboarding.stack import alike, stacked
from churn_platform.portfolios.spec import Column, Format
from churn_platform.published.value_format import ValueFormat
from churn_platform.sql import identifier as quoted
from churn_platform.sql import literal, select_list

Kind = Literal["empty", "boolean", "integer", "number", "date", "days", "text", "unusable"]

GROUPED = r"[+-]?[1-9][0-9]{0,2}([.][0-9]{3})+"  # 1.234: a decimal number, or one with thousands
COUNTED_LEVELS = 200  # far above what a category may have
FREQUENT_LEVELS = 50
LEAST_ROWS = 5  # of a level that is for itself
SENTENCE = r"\S+\s+\S+\s+\S+\s+\S.*"  # four words or more
MEASURES = (
    *("rows", "texts", "low", "high", "numbers", "formatted", "no_number"),
    *("points", "grouped", "codes", "sentences", "missing_words"),
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

    `frequent` has the rows of the most frequent texts of a column with more levels than that.

    `texts` counts the values that are not blank, `present` those that the kind does not take for
    missing. `levels` has the rows of each text as ingest would store it, None if there are more
    than 200. `marked` counts the values that are one of the `missing_words`, which stand for
    'missing' in every column but one of text.
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
    sentences: int = 0
    marked: int = 0
    missing_words: tuple[str, ...] = ()
    frequent: Mapping[str, int] | None = None
    form: ValueFormat | None = None

    @property
    def is_text(self) -> bool:
        """Whether the file holds the column as text."""
        return self.sql_type == "VARCHAR"

    @property
    def is_open_number(self) -> bool:
        """Whether every point in its numbers may as well separate thousands."""
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


def read_as(
    column_type: str, identifier: str, sql_type: str, form: ValueFormat | None = None
) -> str:
    """SQL for a column's value as a contract of that type would read it."""
    given = Format(**msgspec.structs.asdict(form)) if form else None
    column = Column(
        name="value",
        type=column_type,
        description="",
        format=given,
    )  # type: ignore[arg-type]
    return cast(column, identifier, sql_type)


def inspect(
    connection: duckdb.DuckDBPyConnection, reader: str, headers: Mapping[str, tuple[str, str]]
) -> dict[str, Profile]:
    """A profile per column of the file, by normalised header, in the file's order."""
    columns = [(quoted(header), sql_type) for header, sql_type in headers.values()]
    measured = _measure(connection, reader, columns)
    profiles = {}
    for (name, header), found in zip(headers.items(), measured, strict=True):
        profiles[name] = _profile(name, header, found)
    return profiles


def _profile(name: str, header: tuple[str, str], found: Mapping[str, Any]) -> Profile:
    kind = _kind(header[1], found)
    return Profile(
        name=name,
        header=header[0],
        identifier=quoted(header[0]),
        sql_type=header[1],
        kind=kind,
        present=found["texts" if kind == "text" else "values"],
        marked=found["texts"] - found["values"],
        distinct=found["distinct"],
        levels=found["levels"],
        frequent=found["frequent"],
        **{measure: found[measure] for measure in MEASURES},
    )


def _values(identifier: str, sql_type: str) -> dict[str, str]:
    """What a value is read as, by every type."""
    text = present(identifier, sql_type, "string")
    if sql_type != "VARCHAR":
        text = read_as("string", identifier, sql_type)

    return {
        "as_text": text,
        "value": present(identifier, sql_type, "number"),
        "number": read_as("number", identifier, sql_type),
        "whole": read_as("integer", identifier, sql_type),
        "yes_or_no": read_as("boolean", identifier, sql_type),
    }


def _measures(sql_type: str) -> dict[str, str]:
    finite = "coalesce(isfinite(number), false)"
    return {
        "rows": "sum(n)::bigint",
        "texts": _rows("as_text is not null"),
        "values": _rows("value is not null"),
        "booleans": _rows("yes_or_no is not null"),
        "numbers": _rows(finite),
        "low": f"min(number) filter ({finite})",
        "high": f"max(number) filter ({finite})",
        "no_number": f"(min(value) filter (not {finite}))::varchar",
        "distinct": "count(distinct as_text)",
        **_patterns("value::varchar", finite, sql_type),
    }


def _rows(condition: str) -> str:
    return f"coalesce(sum(n) filter ({condition}), 0)::bigint"


def _patterns(value: str, finite: str, sql_type: str) -> dict[str, str]:
    """How values are written; a floating-point column is not searched."""
    # Searching the text of its numbers would take longer than all the rest.
    if sql_type in NATIVE["number"]:
        texts = ("integers", "whole_texts", "codes", "dates", "points", "grouped", "sentences")
        none = dict.fromkeys(texts, "0")
        return none | {"missing_words": "[]", "formatted": _rows(finite)}

    is_word = "as_text is not null and value is null"
    return {
        "integers": _rows("whole is not null"),
        "whole_texts": _rows(_matches(value, "[+-]?[0-9]+")),
        "codes": _rows(_matches(value, "[+-]?0[0-9]+")),
        "points": _rows(f"{finite} and contains({value}, '.')"),
        "grouped": _rows(_matches(value, GROUPED)),
        "sentences": _rows(_matches(value, SENTENCE)),
        "dates": _rows(_matches(value, DATE)),
        "formatted": _rows(f"{finite} or {_matches(value, FORMATTED)}"),
        "missing_words": f"coalesce(list(distinct lower(as_text)) filter ({is_word}), [])",
    }


def _matches(value: str, pattern: str) -> str:
    return f"regexp_full_match({value}, {literal(pattern)})"


def _measure(
    connection: duckdb.DuckDBPyConnection, reader: str, columns: Sequence[tuple[str, str]]
) -> list[dict[str, Any]]:
    """The measures of each column, with its number of different texts and, where there are few, the
    rows of each.
    """
    counted = connection.execute(f"select count(*) from {reader}").fetchone()
    assert counted is not None
    measured = [_nothing_measured() for _ in columns]
    places = range(len(columns))

    for some in alike(places, counted[0], lambda place: columns[place][1]):
        identifiers = [columns[place][0] for place in some]
        sql_type = columns[some[0]][1]
        _read_values(connection, reader, identifiers, sql_type)
        for place, figures in _measured_values(connection, sql_type).items():
            measured[some[place]] |= figures

    return measured


def _nothing_measured() -> dict[str, Any]:
    """The measures of a column without a row."""
    nothing: dict[str, Any] = dict.fromkeys(_measures("VARCHAR"), 0)
    nothing["missing_words"] = ()
    unknown = ("low", "high", "no_number", "levels", "frequent")
    return nothing | dict.fromkeys(unknown)


def _read_values(
    connection: duckdb.DuckDBPyConnection, reader: str, identifiers: Sequence[str], sql_type: str
) -> None:
    """Put the different values of the columns, and what each is read as, into the table
    `read_values`.
    """
    values = stacked(reader, identifiers)
    connection.execute(
        f"create or replace temp table different as "
        f"select place, raw, count(*) as n from {values} group by all"
    )
    read = select_list(_values("raw", sql_type))
    # Kept in a table: the optimizer puts an inner select into every measure again.
    connection.execute(
        f"create or replace temp table read_values as select place, n, {read} from different"
    )


def _measured_values(
    connection: duckdb.DuckDBPyConnection, sql_type: str
) -> dict[int, dict[str, Any]]:
    """The measures of the columns in `read_values`, by place."""
    measures = _measures(sql_type)
    query = f"select place, {select_list(measures)} from read_values group by place"

    measured: dict[int, dict[str, Any]] = {}
    for place, *figures in connection.execute(query).fetchall():
        measured[place] = dict(zip(measures, figures, strict=True))

    queries = {"levels": _levels_query()}
    if sql_type not in NATIVE["number"]:
        queries["frequent"] = _frequent_query()

    for name, query in queries.items():
        for place, text, rows in connection.execute(query).fetchall():
            texts = measured[place].setdefault(name, {})
            texts[text] = rows

    return measured


def _levels_query() -> str:
    """Rows of each text of the columns that have few."""
    few = (
        "select place from read_values group by place having count(distinct as_text) <= "
        f"{COUNTED_LEVELS}"
    )
    return (
        f"select place, as_text, sum(n)::bigint from read_values where place in ({few}) "
        "and as_text is not null "
        "group by place, as_text order by place, as_text"
    )


def _frequent_query() -> str:
    """Rows of the most frequent texts of the columns that have many; rare ones are left out."""
    many = (
        "select place from read_values group by place having count(distinct as_text) > "
        f"{COUNTED_LEVELS}"
    )
    return (
        "select place, as_text, sum(n)::bigint as found from read_values "
        f"where n >= {LEAST_ROWS} and as_text is not null and place in ({many}) "
        "group by place, as_text qualify row_number() over "
        f"(partition by place order by found desc, as_text) <= {FREQUENT_LEVELS} "
        "order by place, found desc, as_text"
    )


def _kind(sql_type: str, found: Mapping[str, Any]) -> Kind:
    values = found["values"]
    if values == 0:
        return "empty"
    if sql_type.startswith(NESTED) or sql_type.endswith("]"):
        return "unusable"
    if sql_type.startswith(("DATE", "TIMESTAMP")) or found["dates"] == values:
        return "date"
    # Before numbers: 0 and 1 read as both, and a flag is what they mean.
    if found["booleans"] == values:
        return "boolean"

    return _number_kind(sql_type, found)


def _number_kind(sql_type: str, found: Mapping[str, Any]) -> Kind:
    values = found["values"]
    is_number = found["numbers"] == values
    if is_number:
        largest = max(abs(found["low"]), abs(found["high"]))
        is_number = largest < FLOAT32_MAX

    if not is_number and sql_type in NATIVE["number"]:
        return "unusable"
    # Leading zeros are lost in a number, so 00123 is a code.
    if not is_number or found["codes"]:
        return "text"

    is_whole = found["integers"] == found["whole_texts"] == values
    return "integer" if is_whole else "number"
