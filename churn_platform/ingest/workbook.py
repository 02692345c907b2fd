"""Writes a sheet of an Excel workbook as CSV, with DuckDB's reader; days come as ISO dates."""

from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from churn_platform.ingest.soundness import UNTOUCHED, OtherKind
from churn_platform.ingest.workbook_sheets import Sheet
from churn_platform.sql import identifier, literal, reader_pattern
from churn_platform.warehouse.extensions import install_extensions

MEMORY = "1GB"
ROWS_ASKED = 50
NUMBER = "try_cast({column} as double)"
# Excel counts days from here; a moment is a day with a fraction.
MOMENT = "(timestamp '1899-12-30' + to_microseconds((round({number} * 86400) * 1000000)::bigint))"


def write_sheet(path: Path, sheet: Sheet, target: Path, *, extension_dir: Path) -> None:
    """Write every row of the sheet, from the first on, as CSV; memory is bounded."""
    # A number without decimals has none in the text, so that ids stay ids.
    install_extensions(extension_dir)
    config: dict[str, Any] = {
        "extension_directory": str(extension_dir),
        "autoinstall_known_extensions": False,
        "allow_unsigned_extensions": True,
        "memory_limit": MEMORY,
        "temp_directory": str(target.parent),
    }
    # On disk, since a sheet may be larger than the memory that this may use.
    database = target.with_suffix(".duckdb")

    with closing(duckdb.connect(database, config=config)) as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute("load excel")
        try:
            _write(connection, path, sheet, target)
        except duckdb.Error as error:
            cause = str(error).splitlines()[0][:200]
            raise OtherKind(
                f"{path}: sheet {sheet.name!r} cannot be read: {cause}; {UNTOUCHED}"
            ) from None

    database.unlink(missing_ok=True)


def _write(connection: duckdb.DuckDBPyConnection, path: Path, sheet: Sheet, target: Path) -> None:
    reader = _reader(path, sheet, 1, sheet.rows, "all_varchar = true")
    connection.execute(
        f"create temp table cells as select *, row_number() over () as place from {reader}"
    )
    columns = _columns(connection)
    moments = _moments(connection, path, sheet, columns)

    texts = []
    for place, column in enumerate(columns):
        texts.append(_text(column, place in moments))

    rows = f"select {', '.join(texts)} from cells order by place"
    connection.execute(f"copy ({rows}) to {literal(target)} (format csv, header false)")


def _columns(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The sheet's columns; the last of `cells` is the row's place."""
    described = connection.execute("describe cells").fetchall()
    return [row[0] for row in described[:-1]]


def _reader(path: Path, sheet: Sheet, first: int, last: int, options: str) -> str:
    extent = f"A{first}:{_letters(sheet.columns)}{last}"
    which = f"{literal(reader_pattern(path))}, sheet = {literal(sheet.name)}"
    extents = f"header = false, stop_at_empty = false, range = {literal(extent)}"
    return f"read_xlsx({which}, {extents}, {options})"


def _letters(number: int) -> str:
    """A column's letters in a cell's address: A is 1, AA is 27."""
    letters = ""
    while number:
        number, place = divmod(number - 1, 26)
        letters = chr(ord("A") + place) + letters
    return letters


def _moments(
    connection: duckdb.DuckDBPyConnection, path: Path, sheet: Sheet, columns: list[str]
) -> set[int]:
    """The places of columns of days or moments.

    They are told by the type of a cell in the middle of the numbers of each column: the first may
    be a title.
    """
    open_middles = _middle_rows(connection, columns)
    moments: set[int] = set()
    for _ in range(ROWS_ASKED):
        if not open_middles:
            break
        row = next(iter(open_middles.values()))
        cells = _reader(path, sheet, row, row, "empty_as_varchar = true")
        described = connection.execute(f"describe from {cells}").fetchall()
        for place, middle in list(open_middles.items()):
            if middle != row:
                continue
            del open_middles[place]
            sql_type = described[place][1]
            if sql_type in ("DATE", "TIMESTAMP"):
                moments.add(place)

    return moments


def _middle_rows(connection: duckdb.DuckDBPyConnection, names: list[str]) -> dict[int, int]:
    """For each column with numbers a row that has one; the same row for as many columns as
    possible.
    """
    found = connection.execute("select max(place) // 2 from cells").fetchone()
    assert found is not None
    (middle,) = found

    middles: dict[int, int] = {}
    for place, name in enumerate(names):
        number = NUMBER.format(column=identifier(name))
        row = connection.execute(
            f"select place from cells where {number} is not null "
            f"order by abs(place - {middle}) limit 1"
        ).fetchone()
        if row:
            middles[place] = row[0]

    return middles


def _text(column: str, is_moment: bool) -> str:
    name = identifier(column)
    number = NUMBER.format(column=name)
    written = f"regexp_replace({name}, '^(-?[0-9]+)[.]0$', '\\1')"

    if is_moment:
        moment = MOMENT.format(number=number)
        is_day = f"{moment} = {moment}::date"
        written = f"case when {is_day} then {moment}::date::varchar else {moment}::varchar end"

    return f"case when {number} is not null then {written} else {name} end as {name}"
