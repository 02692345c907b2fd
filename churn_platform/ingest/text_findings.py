"""Says in words what a person must know of how a delivered text file is written."""

from collections.abc import Sequence

from churn_platform.ingest.text_dialect import HINT
from churn_platform.ingest.text_layout import Layout
from churn_platform.ingest.text_scan import TextScan

BACKSLASHES = "quotation marks inside values are written with a backslash"
SPOKEN = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", " ": "blank"}
SHOWN_LINES = 3


def on_line_ends(found: TextScan) -> list[str]:
    """What is odd about the line ends."""
    if found.has_bare_cr and not found.has_lf and not found.has_crlf:
        return ["lines end in CR alone, as on an old Macintosh"]
    return []


def on_layout(layout: Layout, lines_above: Sequence[str]) -> list[str]:
    """What is odd about the separator, the quotation marks, the lines above the headers, and the
    headers.
    """
    dialect = layout.dialect
    said = []
    if dialect.separator != ",":
        spoken = SPOKEN.get(dialect.separator, repr(dialect.separator))
        said.append(f"fields are cut at each {spoken}; `separator:` in the spec changes it")

    if dialect.quote != '"':
        said.append(f"values are in {dialect.quote} marks, which were taken off")

    if dialect.has_backslashes:
        said.append(BACKSLASHES)

    said += _on_lines_above(lines_above, layout.skip + 1)
    said += _on_line_ends_in(layout.header_record)
    said += _on_unnamed(layout)
    return said


def _on_lines_above(lines: Sequence[str], header_line: int) -> list[str]:
    """Excel's word for the separator, then titles."""
    said = []
    if lines and HINT.match(lines[0]):
        said.append(f"line 1 names the separator: {lines[0].strip()!r}")
        lines = lines[1:]

    if lines:
        shown = _shown(lines) or "blank lines"
        said.append(f"the headers are in line {header_line}; above them: {shown}")

    return said


def _shown(lines: Sequence[str]) -> str:
    shown: list[str] = []
    for line in lines:
        plain = line.strip(" ,;\t|\r\n")
        if plain and len(shown) < SHOWN_LINES:
            shown.append(repr(plain[:40]))

    return ", ".join(shown)


def _on_line_ends_in(header_record: Sequence[str]) -> list[str]:
    said = []
    for header in header_record:
        if len(header.strip().splitlines()) > 1:
            on_one_line = " ".join(header.split())
            said.append(f"the header {header!r} is called {on_one_line!r}")

    return said


def _on_unnamed(layout: Layout) -> list[str]:
    named = set()
    for header, given in zip(layout.headers, layout.header_record, strict=False):
        if given.strip():
            named.add(header)

    unnamed = []
    for header in layout.headers:
        if header.startswith("column") and header not in named:
            unnamed.append(repr(header))

    if not unnamed:
        return []

    return [f"columns without a header are called {', '.join(unnamed)}"]
