"""Looks at the texts of many columns at once: their shapes, the days they may be, and what they are
in a format.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import duckdb

from churn_platform.ingest import formatted
from churn_platform.ingest.casting import MISSING_MARKERS, present
from churn_platform.onboarding import words
from churn_platform.onboarding.inspection import Kind, Profile
from churn_platform.onboarding.stack import alike, batches, stacked
from churn_platform.published.value_format import INFINITE, ValueFormat, read_date
from churn_platform.sql import literal, select_list

MAX_SHAPES = 2_000
DAY_FIRST = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d/%m/%y", "%d-%m-%y", "%d.%m.%y")
MONTH_FIRST = tuple(
    pattern.replace("%d", "%x").replace("%m", "%d").replace("%x", "%m") for pattern in DAY_FIRST
)
PATTERNS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y-%m", "%Y/%m", *DAY_FIRST, *MONTH_FIRST),
    *("%d-%b-%Y", "%d %b %Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y"),
)
TOO_LARGE = re.compile(r"[+-]?[0-9.]+[eE]\+?([4-9][0-9]{2}|[0-9]{4,})")

Shapes = Mapping[str, int]
"""One example of each shape of a column's texts, digits alike, with its rows."""


def is_missing(text: str) -> bool:
    """Whether a text says that a number or a day is missing, or is beyond all numbers."""
    return (
        bool(TOO_LARGE.fullmatch(text.strip()))
        or text.strip().lower() in words.MISSING | INFINITE
        or words.plain(text) in words.MISSING
    )


def missing_words(shapes: Shapes) -> tuple[str, ...]:
    """The words for 'missing' among the texts, without those that every format knows."""
    found = set()
    for text in shapes:
        if is_missing(text):
            found.add(text.strip().lower())
    return tuple(sorted(found - set(MISSING_MARKERS)))


def _rows_in(profiles: Iterable[Profile]) -> int:
    return max((profile.rows for profile in profiles), default=0)


def shapes_of(
    connection: duckdb.DuckDBPyConnection, reader: str, profiles: Sequence[Profile]
) -> dict[str, Shapes]:
    """The shapes of each text column, by name, the most frequent first; none for columns of words,
    or of too many.
    """
    text = present("raw", "VARCHAR", "number")
    found: dict[str, Shapes] = {}
    for some in batches(profiles, _rows_in(profiles)):
        _read_texts(connection, reader, some, {"x": text})
        shapes: dict[int, dict[str, int]] = {}
        for place, example, rows in connection.execute(_shapes_query()).fetchall():
            shapes.setdefault(place, {})[example] = rows

        for place, profile in enumerate(some):
            its = shapes.get(place, {})
            found[profile.name] = its if len(its) <= MAX_SHAPES else {}

    return found


def _read_texts(
    connection: duckdb.DuckDBPyConnection,
    reader: str,
    profiles: Sequence[Profile],
    expressions: Mapping[str, str],
) -> None:
    """Put the different values of the columns into the table `texts`, with their rows as `n`, and
    what SQL makes of `raw` under the name of each expression.
    """
    values = stacked(reader, [profile.identifier for profile in profiles])
    different = f"(select place, raw, count(*) as n from {values} group by all)"
    # Kept in a table: the optimizer puts an inner select into every count again.
    connection.execute(
        f"create or replace temp table texts as select place, n, {select_list(expressions)} "
        f"from {different}"
    )


def _shapes_query() -> str:
    # All digits become 9: a million amounts have a few shapes, and one example of each says enough.
    shape = "translate(x, '12345678', '99999999')"
    with_digits = "select place from texts where regexp_matches(x, '[0-9]')"
    return (
        f"select place, min(x) as example, sum(n)::bigint as found from texts "
        f"where x is not null and place in ({with_digits}) group by place, {shape} "
        "qualify row_number() over (partition by place order by found desc, example) "
        f"<= {MAX_SHAPES + 1} order by place, found desc, example"
    )


def days_of(
    connection: duckdb.DuckDBPyConnection,
    reader: str,
    profiles: Sequence[Profile],
    shapes: Mapping[str, Shapes],
) -> dict[str, list[str]]:
    """The patterns in which every value of a column is a day, by name."""
    fitting: dict[str, list[str]] = {}
    tried: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    possible = []
    for profile in profiles:
        fitting[profile.name] = []
        patterns = _possible_patterns(shapes[profile.name])
        if patterns:
            tried[profile.name] = patterns, missing_words(shapes[profile.name])
            possible.append(profile)

    for some in alike(possible, _rows_in(profiles), lambda profile: tried[profile.name]):
        patterns, missing = tried[some[0].name]
        counts = _count_days(connection, reader, some, patterns, missing)
        for place, all_values, *days in counts:
            for pattern, count in zip(patterns, days, strict=True):
                if count == all_values:
                    fitting[some[place].name].append(pattern)

    return fitting


def _possible_patterns(shapes: Shapes) -> tuple[str, ...]:
    """The patterns in which one example of each shape is a day."""
    # Examples rule most patterns out: trying all of them on every row takes most of the time.
    texts = [text for text in shapes if not is_missing(text)]
    if not texts:
        return ()
    return tuple(pattern for pattern in PATTERNS if _all_days(texts, pattern))


def _all_days(texts: Sequence[str], pattern: str) -> bool:
    form = ValueFormat(date=pattern)
    try:
        for text in texts:
            read_date(text, form)
    except ValueError:
        return False

    return True


def _count_days(
    connection: duckdb.DuckDBPyConnection,
    reader: str,
    profiles: Sequence[Profile],
    patterns: Sequence[str],
    missing: tuple[str, ...],
) -> list[tuple[int, ...]]:
    """The place of each column, its values, and how many of them are a day by each pattern."""
    text = present("raw", "VARCHAR", "date", ValueFormat(missing=missing))
    _read_texts(connection, reader, profiles, {"x": text})
    counts = [_rows("x is not null")]

    for pattern in patterns:
        day = formatted.day("x", ValueFormat(date=pattern))
        counts.append(_rows(f"{day} between date '1900-01-01' and date '2199-12-31'"))

    query = f"select place, {', '.join(counts)} from texts group by place"
    return connection.execute(query).fetchall()


def _rows(condition: str) -> str:
    return f"coalesce(sum(n) filter ({condition}), 0)::bigint"


def in_formats(
    connection: duckdb.DuckDBPyConnection,
    reader: str,
    columns: Sequence[tuple[Profile, ValueFormat]],
) -> dict[str, Profile]:
    """The profiles by their formats, by name; as it was where not every value can be read so."""
    forms = {profile.name: form for profile, form in columns}
    profiles = [profile for profile, _ in columns]

    def read_alike(profile: Profile) -> tuple[ValueFormat, str]:
        return forms[profile.name], profile.sql_type

    made: dict[str, Profile] = {}
    for some in alike(profiles, _rows_in(profiles), read_alike):
        form = forms[some[0].name]
        for profile, found in _measured(connection, reader, some, form):
            made[profile.name] = _changed(profile, form, *found)

    return made


def _measured(
    connection: duckdb.DuckDBPyConnection,
    reader: str,
    profiles: Sequence[Profile],
    form: ValueFormat,
) -> Iterator[tuple[Profile, tuple]]:
    """Each column with what its values are in the format."""
    first = replace(
        profiles[0],
        identifier="raw",
        form=form,
        kind=_kind(form),
    )
    read_as = "date" if form.date else "number"
    expressions = {
        "given": present("raw", first.sql_type, read_as, form),
        "value": first.number_sql(),
    }
    _read_texts(connection, reader, profiles, expressions)
    query = (
        f"select place, {_rows('given is not null')}, {_rows('value is not null')}, "
        "count(distinct value), min(value), max(value), "
        f"coalesce(bool_and({_is_whole(first, form)}), false) from texts group by place"
    )

    for place, *found in connection.execute(query).fetchall():
        yield profiles[place], tuple(found)


def _kind(form: ValueFormat) -> Kind:
    return "days" if form.date else "number"


def _changed(
    profile: Profile,
    form: ValueFormat,
    given: int,
    numbers: int,
    distinct: int,
    low: float | None,
    high: float | None,
    whole: bool,
) -> Profile:
    # A format must read every value: a column that is partly read would lose the rest.
    if given != numbers or not given:
        return profile

    kind: Kind = "integer" if whole and profile.is_text and not form.date else _kind(form)
    return replace(
        profile,
        form=form,
        kind=kind,
        present=given,
        numbers=numbers,
        distinct=distinct,
        low=low,
        high=high,
        levels=None,
    )


def _is_whole(profile: Profile, form: ValueFormat) -> str:
    """SQL for whether a value is a whole number, written without decimals."""
    # An amount such as 5.00 may be 5.50 in another month.
    is_whole = "value = trunc(value)"
    if not profile.is_text:
        return is_whole
    return f"{is_whole} and not contains(given, {literal(form.decimal)})"
