"""Writes a sheet of an Excel workbook as CSV, with DuckDB's reader; days come as ISO dates."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb

from churn_platform.errors import LandingError
from churn_platform.ingest.soundness import CHUNK_BYTES, UNTOUCHED, OtherKind
from churn_platform.sql import identifier, literal, reader_pattern
from churn_platform.warehouse.extensions import install_extensions

CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})([0-9]+)"')
MAX_SHEET_BYTES = 8 << 30
MEMORY = "1GB"
ROWS_ASKED = 50
NUMBER = "try_cast({column} as double)"
# Excel counts days from here; a moment is a day with a fraction.
MOMENT = "(timestamp '1899-12-30' + to_microseconds((round({number} * 86400) * 1000000)::bigint))"


@dataclass(frozen=True)
class Sheet:
    """A sheet by its name, and its extent; no column where it is empty."""

    name: str
    columns: int
    rows: int


def sheets_of(path: Path) -> list[Sheet]:
    """The sheets of a workbook in its order; LandingError for a file that is none."""
    try:
        with zipfile.ZipFile(path) as book:
            return [Sheet(name, *_extent(book, part)) for name, part in _parts(book)]
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, OSError):
        raise OtherKind(
            f"{path}: no Excel workbook, or a damaged one; save the sheet as CSV UTF-8; {UNTOUCHED}"
        ) from None


def _parts(book: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    relations = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
    targets = {it.get("Id"): it.get("Target", "") for it in relations}
    workbook = ElementTree.fromstring(book.read("xl/workbook.xml"))
    for element in workbook.iter():
        if element.tag.rpartition("}")[2] != "sheet":
            continue
        relation = next(value for key, value in element.items() if key.endswith("}id"))
        target = targets[relation]
        yield (
            element.get("name", ""),
            target.lstrip("/") if target.startswith("/") else f"xl/{target}",
        )


def _extent(book: zipfile.ZipFile, part: str) -> tuple[int, int]:
    """The last column and row with a cell; what the sheet says of itself may be wrong."""
    # Before unpacking: a workbook is a zip file and can be a bomb.
    if book.getinfo(part).file_size > MAX_SHEET_BYTES:
        raise OSError(f"{part} unpacks to more than {MAX_SHEET_BYTES:,} bytes")
    columns = rows = 0
    rest = b""
    with book.open(part) as stream:
        while piece := stream.read(CHUNK_BYTES):
            joined = rest + piece
            for letters, row in CELL.findall(joined):
                columns = max(columns, _number(letters.decode()))
                rows = max(rows, int(row))
            # A cell's address may be split between two pieces.
            rest = joined[-256:]
    return columns, rows


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def _letters(number: int) -> str:
    letters = ""
    while number:
        number, place = divmod(number - 1, 26)
        letters = chr(ord("A") + place) + letters
    return letters


def chosen_sheet(path: Path, wanted: str | None) -> Sheet:
    """The sheet of that name, or the one that is not empty; LandingError if the user must say
    which.
    """
    sheets = sheets_of(path)
    filled = [sheet for sheet in sheets if sheet.columns]
    found = [sheet for sheet in filled if wanted in (None, sheet.name)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(repr(sheet.name) for sheet in filled) or "none with a value"
    if wanted is not None:
        raise SheetNotClear(f"{path}: there is no sheet {wanted!r}; the file has {listed}", filled)
    raise SheetNotClear(f"{path}: the file has {len(filled)} sheets ({listed}); say which", filled)


class SheetNotClear(LandingError):
    """The workbook does not say by itself which sheet has the customers."""

    def __init__(self, message: str, sheets: list[Sheet]):
        super().__init__(
            f"{message}, by `--sheet` of `churn onboard` or `sheet:` under `file:` in the spec"
        )
        self.message = message
        self.sheets = [sheet.name for sheet in sheets]


def write_sheet(path: Path, sheet: Sheet, target: Path, *, extension_dir: Path) -> None:
    """Write every row of the sheet, from the first on, as CSV; memory is bounded.

    A number without decimals has none in the text, so that ids stay ids.
    """
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
    moments = _moments(connection, path, sheet)
    columns = [row[0] for row in connection.execute("describe cells").fetchall()][:-1]
    values = ", ".join(_text(column, place in moments) for place, column in enumerate(columns))
    rows = f"select {values} from cells order by place"
    connection.execute(f"copy ({rows}) to {literal(target)} (format csv, header false)")


def _reader(path: Path, sheet: Sheet, first: int, last: int, options: str) -> str:
    extent = f"A{first}:{_letters(sheet.columns)}{last}"
    which = f"{literal(reader_pattern(path))}, sheet = {literal(sheet.name)}"
    extents = f"header = false, stop_at_empty = false, range = {literal(extent)}"
    return f"read_xlsx({which}, {extents}, {options})"


def _moments(connection: duckdb.DuckDBPyConnection, path: Path, sheet: Sheet) -> set[int]:
    """The places of columns of days or moments.

    They are told by the type of a cell in the middle of the numbers of each column: the first may
    be a title.
    """
    names = [row[0] for row in connection.execute("describe cells").fetchall()][:-1]
    middles = _middle_rows(connection, names)
    moments: set[int] = set()
    for _ in range(ROWS_ASKED):
        if not middles:
            break
        row = next(iter(middles.values()))
        described = connection.execute(
            f"describe from {_reader(path, sheet, row, row, 'empty_as_varchar = true')}"
        )
        types = [found[1] for found in described.fetchall()]
        settled = [place for place, middle in middles.items() if middle == row]
        moments |= {place for place in settled if types[place] in ("DATE", "TIMESTAMP")}
        middles = {place: middle for place, middle in middles.items() if place not in settled}
    return moments


def _middle_rows(connection: duckdb.DuckDBPyConnection, names: list[str]) -> dict[int, int]:
    """For each column with numbers a row that has one; the same row for as many columns as
    possible.
    """
    found = connection.execute("select max(place) // 2 from cells").fetchone()
    assert found is not None
    middles: dict[int, int] = {}
    for place, name in enumerate(names):
        number = NUMBER.format(column=identifier(name))
        row = connection.execute(
            f"select place from cells where {number} is not null "
            f"order by abs(place - {found[0]}) limit 1"
        ).fetchone()
        if row:
            middles[place] = row[0]
    return middles


def _text(column: str, is_moment: bool) -> str:
    name = identifier(column)
    number = NUMBER.format(column=name)
    if is_moment:
        moment = MOMENT.format(number=number)
        is_day = f"{moment} = {moment}::date"
        written = f"case when {is_day} then {moment}::date::varchar else {moment}::varchar end"
    else:
        written = f"regexp_replace({name}, '^(-?[0-9]+)[.]0$', '\\1')"
    return f"case when {number} is not null then {written} else {name} end as {name}"
