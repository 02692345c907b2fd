"""Reads delivered values as the contract's types, in SQL: what cannot be read so is found, never
guessed.
"""

import msgspec

from churn_platform.ingest import formatted
from churn_platform.portfolios.spec import Column
from churn_platform.published.value_format import EPOCH, MISSING_MARKERS, ValueFormat
from churn_platform.sql import one_of

SQL_TYPES = {
    "string": "varchar",
    "integer": "bigint",
    "number": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}
NATIVE = {
    "string": {"VARCHAR"},
    "integer": {"BIGINT", "INTEGER", "SMALLINT", "TINYINT"},
    "number": {"DOUBLE", "FLOAT"},
    "boolean": {"BOOLEAN"},
    "date": {"DATE"},
    "timestamp": {"TIMESTAMP", "TIMESTAMP_MS", "TIMESTAMP_S", "TIMESTAMP_NS"},
}
# docs/landing.md promises these words; DuckDB's own cast accepts others.
TRUE = "('true', 't', 'yes', 'y', '1', '1.0')"
FALSE = "('false', 'f', 'no', 'n', '0', '0.0')"
# TRY_CAST to bigint would round 1.5 to 2. A delivered value is never changed, only refused.
WHOLE = "regexp_full_match({text}, '[+-]?[0-9]+')"
EXACT_BELOW = 2**53  # from here on a double no longer tells neighbouring integers apart
# read as timestamp, DuckDB drops the offset
ZONED = r"regexp_matches({text}, ':\d\d(\.\d+)?\s*[A-Za-z+-]')"


def present(
    identifier: str, sql_type: str, column_type: str, form: ValueFormat | None = None
) -> str:
    """The delivered value with blanks and NaN as null; for any type but string, words for 'missing'
    too.

    With a format its own words are missing as well, and infinite numbers where they are among them.
    """
    if sql_type in NATIVE["number"]:
        drops_infinite = form is not None and formatted.drops_infinite(form)
        is_number = f"isfinite({identifier})" if drops_infinite else f"not isnan({identifier})"
        return f"case when {is_number} then {identifier} end"

    if sql_type != "VARCHAR":
        return identifier
    if form and column_type == "string":
        return formatted.without_missing(identifier, form)

    if form:
        words = (*form.missing, *MISSING_MARKERS)
        with_markers = msgspec.structs.replace(form, missing=words)
        return formatted.without_missing(identifier, with_markers)

    if column_type == "string":
        return _trimmed(identifier)

    is_marker = one_of(f"lower(trim({identifier}))", ("", *MISSING_MARKERS))
    return f"case when not {is_marker} then trim({identifier}) end"


def _trimmed(text: str) -> str:
    """The text without outer blanks, null for blanks alone; ASCII text without any is not searched
    for them.
    """
    clean = (
        f"{text} >= '!' and {text} < chr(127) and not ends_with({text}, ' ') "
        f"and strlen({text}) = length({text})"
    )
    return f"case when {clean} then {text} else nullif(trim({text}), '') end"


def cast(column: Column, identifier: str, sql_type: str) -> str:
    """The value in the contract's type, timestamps in UTC; null if it is missing or cannot be
    read so.
    """
    # Typed files may carry zones. All times in the lake are UTC without a zone.
    if sql_type == "TIMESTAMP WITH TIME ZONE":
        identifier = f"({identifier} at time zone 'UTC')"
        sql_type = "TIMESTAMP"

    form = column.format.published() if column.format else None
    value = present(identifier, sql_type, column.type, form)
    # A typed file needs no way through text, which costs more than the cast itself.
    if sql_type in NATIVE[column.type]:
        return f"{value}::{SQL_TYPES[column.type]}"

    is_text = sql_type == "VARCHAR"
    if form and column.type == "date":
        if is_text or form.date in EPOCH:
            return formatted.day(f"({value})::varchar", form)
        # a moment of a typed file; the time of day does not matter to days before
        return f"({value})::date"

    if form and is_text and column.type == "number":
        return formatted.number(value, form)
    if form and is_text and column.type == "integer":
        return _whole(formatted.number(value, form))

    reader = _readers()[column.type]
    return reader.format(text=f"({value})::varchar")


def _whole(number: str) -> str:
    """SQL for the number as an integer; null if it is none."""
    is_whole = f"abs(x) < {EXACT_BELOW} and x = trunc(x)"
    return f"list_filter([{number}], lambda x: {is_whole})[1]::bigint"


def _readers() -> dict[str, str]:
    number = "case when isfinite(try_cast({text} as double)) then try_cast({text} as double) end"
    return {
        "string": "{text}",
        "number": number,
        "integer": f"case when {WHOLE} then try_cast({{text}} as bigint) "
        f"when abs({number}) < {EXACT_BELOW} and ({number}) = trunc({number}) then "
        f"({number})::bigint end",
        "boolean": f"case when lower({{text}}) in {TRUE} then true "
        f"when lower({{text}}) in {FALSE} then false end",
        # Equal only at midnight: a date with a time of day is refused, not cut.
        "date": "case when try_cast({text} as timestamp) = try_cast({text} as date) "
        "then try_cast({text} as date) end",
        "timestamp": f"case when {ZONED} then try_cast({{text}} as timestamptz) at time zone 'UTC' "
        "else try_cast({text} as timestamp) end",
    }
