"""Makes the contract's columns of a source's, in SQL: names, units, levels, times and zones.

Nothing is guessed: a value that the mapping does not know is wrong, and is named.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from churn_platform.errors import MappingError
from churn_platform.ingest.casting import NATIVE, SQL_TYPES, cast, present
from churn_platform.ingest.headers import normalised
from churn_platform.portfolios.sources import MappedColumn, Origin
from churn_platform.portfolios.spec import Column, Table
from churn_platform.portfolios.units import factor_of
from churn_platform.published.value_format import EPOCH, ValueFormat
from churn_platform.sql import identifier, literal, literals

NOTHING_TO_DO = MappedColumn(column="").model_copy(update={"column": None})
ZONED = "TIMESTAMP WITH TIME ZONE"


@dataclass(frozen=True)
class MappedValue:
    """One column of the contract: SQL for its value, for what the source gave, and for whether that
    is something the mapping does not know.
    """

    column: Column
    source_column: str | None
    sql: str
    given: str
    is_wrong: str


def mapped_values(
    table: Table, origin: Origin, types: Mapping[str, str], *, source_zone: str, own_zone: str
) -> list[MappedValue]:
    """Every column of the contract that the source has; `types` are the source's columns with their
    types.

    MappingError names a column that the source lacks. `source_zone` is that of times without one,
    `own_zone` the one in which the operator's days are.
    """
    by_name = {normalised(name): name for name in types}
    known = ", ".join(types)
    values = []
    for column in table.columns:
        # What the spec says goes before a likeness of names.
        mapped = origin.columns.get(column.name) or _of_same_name(column, by_name)
        if mapped is None:
            if column.optional:
                continue
            if not column.required:
                # Never named by the spec, and it may be missing in every row.
                missing = f"null::{SQL_TYPES[column.type]}"
                values.append(_constant(column, missing))
                continue
            raise MappingError(
                f"column {column.name} of {table.name} is not mapped, and {origin.place} has none "
                f"of that name; it has {known}; add it under from.columns",
                column.name,
            )
        if mapped.column is not None and mapped.column not in types:
            raise MappingError(
                f"{origin.place} has no column {mapped.column!r}, from which {column.name} of "
                f"{table.name} comes; it has {known}",
                column.name,
            )
        values.append(_mapped(column, mapped, types, source_zone, own_zone))
    return values


def _of_same_name(column: Column, by_name: Mapping[str, str]) -> MappedColumn | None:
    for name in (column.header, column.name):
        found = by_name.get(normalised(name))
        if found:
            return MappedColumn(column=found)
    return None


def _mapped(
    column: Column, mapped: MappedColumn, types: Mapping[str, str], source_zone: str, own_zone: str
) -> MappedValue:
    if mapped.column is None:
        wanted_type = SQL_TYPES[column.type]
        return _constant(column, f"cast({literal(mapped.value)} as {wanted_type})")

    sql_type = types[mapped.column]
    # An enum is text under the name of its values, which no cast of the contract knows.
    if sql_type.startswith("ENUM"):
        sql_type = "VARCHAR"
    raw = identifier(mapped.column)
    text = f"{raw}::varchar" if sql_type == "VARCHAR" else raw
    form = None
    if mapped.missing:
        form = ValueFormat(decimal=mapped.decimal, missing=mapped.missing)
    given = present(text, sql_type, column.type, form)
    zone = mapped.timezone or source_zone
    if _is_plain(column, mapped, sql_type, zone):
        # Ingest reads it as it is: no work for each row, and nothing that could be wrong.
        return MappedValue(column, mapped.column, raw, raw, "false")
    if column.type in ("timestamp", "date"):
        if sql_type == ZONED and mapped.timezone:
            raise MappingError(
                f"column {mapped.column} has times with a zone of their own, and "
                f"timezone: {mapped.timezone} contradicts it; take timezone: away from "
                f"{column.name}",
                column.name,
            )
        value = _time(column, mapped, given, sql_type, zone, own_zone)
    elif mapped.levels:
        value = _level(column, mapped.levels, given)
    elif mapped.unit or mapped.factor or mapped.decimal != ".":
        value = _number(column, mapped, given)
    else:
        value = cast(column, f"({given})", sql_type)

    # With `levels:` in the spec, `_level` has seen to it.
    if column.levels and not mapped.levels:
        value = f"(case when {value} in ({literals(column.levels)}) then {value} end)"
    is_wrong = f"({given}) is not null and ({value}) is null"
    return MappedValue(column, mapped.column, value, given, is_wrong)


def _is_plain(column: Column, mapped: MappedColumn, sql_type: str, zone: str) -> bool:
    """Whether the source's own value is one of the contract's type, without anything to be done."""
    besides_name = mapped.model_copy(update={"column": None})
    if column.levels or besides_name != NOTHING_TO_DO:
        return False
    is_local = column.type == "timestamp" and zone != "UTC"
    return sql_type in NATIVE[column.type] and not is_local


def _constant(column: Column, value: str) -> MappedValue:
    return MappedValue(column, None, value, "null", "false")


def _level(column: Column, levels: Mapping[str, str], given: str) -> str:
    # Databases pad text of a fixed length with blanks.
    text = f"trim(({given})::varchar)"
    listed = []
    for old, new in levels.items():
        listed.append(f"when {literal(old)} then {literal(new)}")
    cases = " ".join(listed)
    if column.type == "boolean":
        return f"(case {text} {cases} end)::boolean"
    if not column.levels:
        return cast(column, f"(case {text} {cases} else {text} end)", "VARCHAR")

    known = f"when {text} in ({literals(levels)}) then (case {text} {cases} end)"
    # What is not listed stands for itself, if the contract has it.
    itself = f"when {text} in ({literals(column.levels)}) then {text}"
    return f"(case {known} {itself} end)"


def _number(column: Column, mapped: MappedColumn, given: str) -> str:
    number = f"try_cast({given} as double)"
    if mapped.decimal == ",":
        # 1.234,56: the points group thousands and go first.
        without_points = f"replace(({given})::varchar, '.', '')"
        pointed = f"replace({without_points}, ',', '.')"
        number = f"try_cast({pointed} as double)"
    factor = _factor(column, mapped)
    # Multiplied and divided by whole numbers: 1999 cents times 0.01 would be 19.990000000000002.
    scaled = f"{number} * {factor.numerator}::double / {factor.denominator}::double"
    if column.type == "integer":
        return f"(round({scaled})::bigint)"
    return f"({scaled})"


def _factor(column: Column, mapped: MappedColumn) -> Fraction:
    if mapped.factor:
        # By its text: 0.1 as a number is a fraction of sixteen digits.
        return Fraction(str(mapped.factor))
    found = factor_of(column.name, mapped.unit) if mapped.unit else None
    return found or Fraction(1)


def _time(
    column: Column, mapped: MappedColumn, given: str, sql_type: str, zone: str, own_zone: str
) -> str:
    """The instant in UTC without a zone, or the day as the operator counts days."""
    naive = _naive(mapped, given, sql_type)
    if naive is None:
        # No pattern is given: ISO text, or whatever the contract reads of that type.
        if sql_type == ZONED:
            wanted_zone = own_zone if column.type == "date" else "UTC"
            local = f"({given} at time zone '{wanted_zone}')"
            return f"{local}::date" if column.type == "date" else local
        if column.type == "date":
            return _day(given, column)
        return _utc_of_text(column, given, sql_type, zone)

    # A day that is written without a zone is the operator's own already.
    if column.type == "date":
        return f"({naive})::date"
    # Seconds since 1970 are counted in UTC, whatever zone the source has.
    if _is_epoch(mapped):
        return naive
    return _in_utc(naive, zone)


def _is_epoch(mapped: MappedColumn) -> bool:
    return bool(mapped.format) and mapped.format[0] in EPOCH


def _naive(mapped: MappedColumn, given: str, sql_type: str) -> str | None:
    """The time as written, without a zone; None if only its text can say."""
    if _is_epoch(mapped):
        form = mapped.format[0]
        microseconds = 1_000_000 // EPOCH[form]
        return f"make_timestamp((try_cast({given} as double) * {microseconds})::bigint)"
    is_native = sql_type in NATIVE["timestamp"]
    # A pattern is for text; a value that is a time already needs none.
    if mapped.format and not is_native:
        patterns = ", ".join(map(literal, mapped.format))
        return f"try_strptime(({given})::varchar, [{patterns}])"
    if is_native or sql_type == "DATE":
        return f"({given})::timestamp"
    return None


def _day(given: str, column: Column) -> str:
    return cast(column, f"({given})::varchar", "VARCHAR")


def _utc_of_text(column: Column, given: str, sql_type: str, zone: str) -> str:
    read = cast(column, f"({given})", sql_type)
    if zone == "UTC":
        return read
    # Text may have an offset of its own, which goes before the zone that the spec gives.
    own = f"regexp_matches(({given})::varchar, ':\\d\\d(\\.\\d+)?\\s*[A-Za-z+-]')"
    return f"(case when {own} then {read} else {_in_utc(read, zone)} end)"


def _in_utc(naive: str, zone: str) -> str:
    if zone == "UTC":
        return naive
    return f"(({naive}) at time zone {literal(zone)} at time zone 'UTC')"
