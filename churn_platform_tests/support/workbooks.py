"""Excel workbooks for tests, written cell by cell: texts, numbers and days."""

import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

Rows = Sequence[Sequence[Any]]
NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OF_PACKAGES = "http://schemas.openxmlformats.org/package/2006"
OF_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = (
    f'<Types xmlns="{OF_PACKAGES}/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>{sheets}'
    '<Override PartName="/xl/styles.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>'
)
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
STYLES = (
    f'<styleSheet {NAMESPACE}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    "</styleSheet>"
)


def write_workbook(path: Path, sheets: Mapping[str, Rows]) -> Path:
    """A workbook of these sheets; an empty cell for None."""
    numbered = list(enumerate(sheets.items(), start=1))
    named = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="r{number}"/>'
        for number, (name, _) in numbered
    )
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{SHEET_TYPE}"/>'
        for number, _ in numbered
    )
    relations = "".join(
        _relation(f"r{number}", "worksheet", f"worksheets/sheet{number}.xml")
        for number, _ in numbered
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", TYPES.format(sheets=types))
        book.writestr(
            "_rels/.rels", _relations(_relation("r1", "officeDocument", "xl/workbook.xml"))
        )
        workbook = (
            f'<workbook {NAMESPACE} xmlns:r="{OF_OFFICE}"><sheets>{named}</sheets></workbook>'
        )
        book.writestr("xl/workbook.xml", workbook)
        styles = _relation("styles", "styles", "styles.xml")
        book.writestr("xl/_rels/workbook.xml.rels", _relations(relations + styles))
        book.writestr("xl/styles.xml", STYLES)
        for number, (_, rows) in numbered:
            book.writestr(f"xl/worksheets/sheet{number}.xml", _sheet(rows))
    return path


def _relation(name: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{name}" Type="{OF_OFFICE}/{kind}" Target="{target}"/>'


def _relations(listed: str) -> str:
    return f'<Relationships xmlns="{OF_PACKAGES}/relationships">{listed}</Relationships>'


def _sheet(rows: Rows) -> str:
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = [
            _cell(f"{chr(ord('A') + place)}{number}", value)
            for place, value in enumerate(row)
            if value is not None
        ]
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    return f"<worksheet {NAMESPACE}><sheetData>{''.join(lines)}</sheetData></worksheet>"


def _cell(place: str, value: Any) -> str:
    if isinstance(value, date):
        return f'<c r="{place}" s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
