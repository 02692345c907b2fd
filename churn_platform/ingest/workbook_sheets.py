"""Looks into an Excel workbook for its sheets, and for the one that is to be read."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from churn_platform.errors import LandingError
from churn_platform.ingest.soundness import CHUNK_BYTES, UNTOUCHED, OtherKind

CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})([0-9]+)"')
MAX_SHEET_BYTES = 8 << 30


@dataclass(frozen=True)
class Sheet:
    """A sheet by its name, and its extent; no column where it is empty."""

    name: str
    columns: int
    rows: int


def sheets_of(path: Path) -> list[Sheet]:
    """The sheets of a workbook in its order; LandingError for a file that is none."""
    sheets = []
    try:
        with zipfile.ZipFile(path) as book:
            for name, part in _parts(book):
                columns, rows = _extent(book, part)
                sheets.append(Sheet(name, columns, rows))
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, OSError):
        raise OtherKind(
            f"{path}: no Excel workbook, or a damaged one; save the sheet as CSV UTF-8; {UNTOUCHED}"
        ) from None

    return sheets


def _parts(book: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """The name of each sheet, and where in the archive it is."""
    relations = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
    targets = {it.get("Id"): it.get("Target", "") for it in relations}
    workbook = ElementTree.fromstring(book.read("xl/workbook.xml"))

    for element in workbook.iter():
        if element.tag.rpartition("}")[2] != "sheet":
            continue
        relation = next(value for key, value in element.items() if key.endswith("}id"))
        target = targets[relation]
        # A path is from the root of the archive, or from its folder `xl`.
        part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        yield element.get("name", ""), part


def _extent(book: zipfile.ZipFile, part: str) -> tuple[int, int]:
    """The last column and row with a cell."""
    # Found from the cells: what the sheet says of itself may be wrong.
    # Before unpacking: a workbook is a zip file and can be a bomb.
    if book.getinfo(part).file_size > MAX_SHEET_BYTES:
        raise OSError(f"{part} unpacks to more than {MAX_SHEET_BYTES:,} bytes")

    columns = 0
    rows = 0
    rest = b""
    with book.open(part) as stream:
        while piece := stream.read(CHUNK_BYTES):
            joined = rest + piece
            for letters, row in CELL.findall(joined):
                column = _number(letters.decode())
                columns = max(columns, column)
                rows = max(rows, int(row))

            # A cell's address may be split between two pieces.
            rest = joined[-256:]

    return columns, rows


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def chosen_sheet(path: Path, wanted: str | None) -> Sheet:
    """The sheet of that name, or the one that is not empty; LandingError if the user must say
    which.
    """
    filled = [sheet for sheet in sheets_of(path) if sheet.columns]
    if wanted is None and len(filled) == 1:
        return filled[0]

    for sheet in filled:
        if sheet.name == wanted:
            return sheet

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
