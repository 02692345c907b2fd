"""Refuses what cannot be onboarded: a name, a file, columns that are not there, ids that are none.

Each refusal names the thing and the value, and ends with the full command that would do.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from churn_platform.errors import LandingError
from churn_platform.ingest.headers import normalised
from churn_platform.ingest.landed_files import known_suffix, unknown_kind
from churn_platform.ingest.soundness import check_is_file
from churn_platform.onboarding import naming, words
from churn_platform.onboarding.asked import OnboardingArguments, refused, renamed
from churn_platform.onboarding.inspection import Profile
from churn_platform.portfolios.loader import read_portfolio, spec_paths
from churn_platform.portfolios.strict_model import IDENTIFIER_PATTERN
from churn_platform.published.format import ROUTES

OTHER_SCHEMAS = ("main", "temp", "system", "lake", "information_schema", "pg_catalog")
SHOWN_HEADERS = 20

Headers = Mapping[str, tuple[str, str]]


def check_name(asked: OnboardingArguments, path: Path, portfolios_dir: Path) -> None:
    """SpecError for a name that no portfolio can have, or that another one has."""
    name = asked.name
    reserved = _reserved()
    if not re.fullmatch(IDENTIFIER_PATTERN, name) or name.endswith("_raw") or name in reserved:
        raise refused(
            f"portfolio name {name!r} is not usable",
            "take a lower-case letter, then lower-case letters, digits and underscores, no word of "
            "SQL, and no '_raw' at the end, for example",
            renamed(asked, _usable(name, reserved)),
        )
    if name in ROUTES:
        raise refused(
            f"portfolio name {name!r} is a path of the service",
            f"choose another than {', '.join(sorted(ROUTES))}, for example",
            renamed(asked, f"{name}_customers"),
        )

    taken = {read_portfolio(other).name for other in spec_paths(portfolios_dir) if other != path}
    if name in taken:
        raise refused(
            f"portfolio {name!r} exists already",
            "choose another name, for example",
            renamed(asked, _free(name, taken)),
        )
    if path.exists() and not asked.overwrite:
        raise refused(
            f"{path} exists already",
            "replace it, or choose another name",
            replace(asked, overwrite=True).command(),
            renamed(asked, _free(name, taken)),
        )


def _reserved() -> set[str]:
    """Names that a schema cannot have: it is in SQL without quotes."""
    with duckdb.connect() as connection:
        words = connection.execute(
            "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
        ).fetchall()
    return {word for (word,) in words} | set(OTHER_SCHEMAS)


def _usable(name: str, reserved: set[str]) -> str:
    """A name like the one given that a portfolio can have."""
    plain = naming.identifier(normalised(name), 1, set()).removesuffix("_raw")
    return f"{plain}_customers" if plain in reserved | ROUTES or not plain else plain


def _free(name: str, taken: Iterable[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def check_file(asked: OnboardingArguments) -> None:
    """SpecError for a path without a file of a kind that can be read."""
    file = asked.file
    try:
        check_is_file(file)
    except LandingError as error:
        found = replace(asked, file=_near_file(file))
        raise refused(str(error), "then", found.command()) from None

    if known_suffix(file) is None:
        other = replace(asked, file=file.with_suffix(".csv"))
        raise refused(unknown_kind(file), "save it as CSV, then", other.command())

    if file.stat().st_size == 0:
        raise refused(
            f"{file}: the file is empty (0 bytes)",
            "export it again, then",
            asked.command(),
        )


def _near_file(file: Path) -> Path:
    """The file that was perhaps meant: one in the folder given, or one with nearly that name."""
    folder = file if file.is_dir() else file.parent
    if not folder.is_dir():
        return file

    known = []
    for path in folder.iterdir():
        if known_suffix(path):
            known.append(path.name)

    if file.is_dir():
        return file / min(known, default="customers.csv")

    return folder / _nearest(file.name, sorted(known), file.name)


def _nearest(word: str, known: Iterable[str], otherwise: str) -> str:
    return next(iter(difflib.get_close_matches(word, list(known), n=1)), otherwise)


def known_columns(asked: OnboardingArguments, headers: Headers) -> tuple[str, str, list[str]]:
    """The normalised headers of id, label and protected columns; SpecError for one that is not in
    the file.
    """
    # Each lookup knows how the command changes if another column is taken.
    as_id, as_label = _as_id(asked), _as_label(asked)
    written = [header for header, _ in headers.values()]
    identity = _known(
        asked,
        headers,
        asked.id_column,
        as_id,
        naming.sounds_like_id,
        otherwise=written[0],
    )
    label = _known(
        asked,
        headers,
        asked.label_column,
        as_label,
        _sounds_like_label,
        otherwise=written[-1],
    )

    if identity == label:
        others = [name for name in headers if name != identity]
        first = others[0] if others else identity
        other = next(filter(_sounds_like_label, others), first)
        raise refused(
            f"{asked.id_column!r} is given as id and as label",
            "give two columns, for example",
            as_label(headers[other][0]),
        )

    protected = []
    for column in asked.protected:
        as_protected = _as_protected(asked, column)
        name = _known(asked, headers, column, as_protected, naming.sounds_protected)
        protected.append(name)

    return identity, label, protected


def _sounds_like_label(name: str) -> bool:
    return words.speaks_of(name) is not None or words.is_target(name)


def _as_id(asked: OnboardingArguments) -> Callable[[str], str]:
    return lambda header: replace(asked, id_column=header).command()


def _as_label(asked: OnboardingArguments) -> Callable[[str], str]:
    return lambda header: replace(asked, label_column=header).command()


def _as_protected(asked: OnboardingArguments, column: str) -> Callable[[str], str]:
    def command(header: str) -> str:
        columns = []
        for protected in asked.protected:
            taken = header if protected == column else protected
            if taken:
                columns.append(taken)
        return replace(asked, protected=tuple(columns)).command()

    return command


def _known(
    asked: OnboardingArguments,
    headers: Headers,
    column: str,
    command: Callable[[str], str],
    sounds_right: Callable[[str], bool],
    otherwise: str = "",
) -> str:
    """The normalised header of a column; `otherwise` is for a command where none is like it."""
    for name, (header, _) in headers.items():
        if column == header or normalised(column) == name:
            return name

    shown = [repr(header) for header, _ in headers.values()]
    rest = f" and {len(shown) - SHOWN_HEADERS:,} more" if len(shown) > SHOWN_HEADERS else ""
    by_sound = next(filter(sounds_right, headers), "")
    nearest = _nearest(normalised(column), headers, by_sound)
    meant, _ = headers.get(nearest, (otherwise, ""))
    raise refused(
        f"{asked.file}: there is no column {column!r}; the file has "
        f"{', '.join(shown[:SHOWN_HEADERS])}{rest}",
        "name one of these, or say where the headers are",
        command(meant),
        asked.command(skip="1"),
    )


def check_ids(
    connection: duckdb.DuckDBPyConnection,
    reader: str,
    asked: OnboardingArguments,
    identity: Profile,
    others: Iterable[Profile],
) -> None:
    """SpecError unless each row has an id of its own."""
    file = asked.file
    if identity.rows == 0:
        raise refused(
            f"{file}: the file has headers but no rows",
            "export it again, then",
            asked.command(),
        )

    other = next(filter(_may_be_id, others), None)
    command = _as_id(asked)(other.header) if other else asked.command()
    missing = identity.rows - identity.texts
    if missing:
        raise refused(
            f"{file}: {missing:,} of {identity.rows:,} rows have no {identity.header!r}",
            "name a column that is different in each row" if other else "give each an id, then",
            command,
        )

    found = connection.execute(
        f"select count(*), any_value(id) from (select id from (select {identity.sql('string')} as "
        f"id from {reader}) group by id having count(*) > 1)"
    ).fetchone()
    assert found is not None
    ids, example = found
    if ids:
        raise refused(
            f"{file}: ids that occur more than once in {identity.header!r}: {ids:,}, e.g. "
            f"{example!r}; a snapshot has one row per customer",
            "name a column that is different in each row" if other else "keep one of each, then",
            command,
        )


def _may_be_id(profile: Profile) -> bool:
    if profile.kind == "number":
        return False
    return profile.unique and profile.present == profile.rows
