"""Turns a delivered table of any usual kind into one that DuckDB reads as it is: UTF-8, commas,
headers first.

A file that is so already is left where it is; any other is written again, row by row, beside a list
of what was found.
"""

import csv
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from churn_platform.errors import LandingError
from churn_platform.ingest.headers import twins_finding
from churn_platform.ingest.plain_rows import write_rows
from churn_platform.ingest.soundness import (
    MAX_LINE_BYTES,
    UNTOUCHED,
    checked_lines,
    lines_of,
    pieces_of,
)
from churn_platform.ingest.text_dialect import SEPARATORS
from churn_platform.ingest.text_encoding import (
    EncodingNotClear,
    encoding_of,
    wide_encoding,
    write_utf8,
)
from churn_platform.ingest.text_findings import on_layout, on_line_ends
from churn_platform.ingest.text_layout import AGREEING, Layout, Said, Wanted, layout_of
from churn_platform.ingest.text_scan import TextScan, scan
from churn_platform.portfolios.spec import FileOptions

HEAD_BYTES = 1 << 18
MAX_HEADER_LINE_BYTES = 1 << 20
MAX_HEADER_CHARACTERS = 1_000
MOST_LINES_ABOVE = 50


@dataclass(frozen=True)
class PlainTable:
    """A text file that DuckDB can read: where it is, how it is cut, how it was laid out, and what
    was found.

    `options` are those with which it was read, where it was not plain.
    """

    path: Path
    separator: str
    layout: Layout
    options: FileOptions
    findings: tuple[str, ...]


def plain_table(
    path: Path, folder: Path, *, options: FileOptions, wanted: Wanted, named: Path
) -> PlainTable:
    """The text file at `path`, or a clean copy of it in `folder`.

    LandingError, with what to do, for a file that cannot be read; it says `named` for the file.
    """
    # The limit of the csv module is lower than DuckDB's.
    csv.field_size_limit(MAX_LINE_BYTES)
    text, found, encoding, findings = _in_utf8(path, folder, options)
    layout, said = _laid_out(named, text, found, options, wanted)
    _check_headers(named, layout)
    kept = _kept(layout, encoding, said)
    findings += on_line_ends(found)
    findings += on_layout(layout, _lines_above(text, layout))
    findings += twins_finding(layout.twins)

    if _is_plain(layout, found):
        separator = layout.dialect.separator
        return PlainTable(text, separator, layout, kept, tuple(findings))

    target = folder / "plain.csv"
    has_backslashes = found.has_backslash_quote
    findings += write_rows(named, text, layout, target, has_backslashes=has_backslashes)
    return PlainTable(target, ",", layout, kept, tuple(findings))


def _lines_above(text: Path, layout: Layout) -> list[str]:
    with lines_of(text) as lines:
        return list(islice(lines, min(layout.skip, MOST_LINES_ABOVE)))


def _kept(layout: Layout, encoding: str | None, said: Said) -> FileOptions:
    """What the spec must say of the file: what is not plain, and lines to skip where they were
    said.
    """
    separator = layout.dialect.separator
    quote = layout.dialect.quote
    return FileOptions(
        encoding=encoding,
        separator=separator if separator != "," else None,
        quote=quote if quote == "'" else None,
        skip=layout.skip if said.skip else None,
    )


def _in_utf8(
    path: Path, folder: Path, options: FileOptions
) -> tuple[Path, TextScan, str | None, list[str]]:
    """The file or a copy in UTF-8, its scan, the encoding where it is another, and findings."""
    head = next(pieces_of(path), b"")
    encoding = wide_encoding(head, options.encoding)
    if encoding is None:
        found = scan(checked_lines(path, pieces_of(path)))
        if found.is_cut_short:
            raise LandingError(
                f"{path}: ends within a letter, so it is truncated; deliver it again; {UNTOUCHED}"
            )
        encoding = encoding_of(found, options.encoding)
        if encoding.is_utf8 and not found.is_utf8:
            raise EncodingNotClear(path, encoding, "there are other bytes")
        if encoding.is_utf8:
            return path, found, None, []

    text = folder / "utf8.csv"
    words = write_utf8(path, pieces_of(path), encoding, text)
    found = scan(checked_lines(path, pieces_of(text)))
    finding = f"read as {encoding.name}, {encoding.known_by}"

    if words:
        finding += f", for example {', '.join(words)}"

    # A mark or NUL bytes will be in the file of another month, too: the spec need not say it.
    if encoding.known_by.startswith("by its"):
        return text, found, None, [finding]

    finding += "; `encoding:` in the spec changes it"
    return text, found, encoding.name, [finding]


def _laid_out(
    path: Path, text: Path, found: TextScan, options: FileOptions, wanted: Wanted
) -> tuple[Layout, Said]:
    """The layout as said; where that finds none of the wanted headers and the file itself does, the
    file's own.
    """
    lines = _head_lines(path, text, found)
    said = Said(options.separator, options.quote, options.skip)
    layout = layout_of(lines, wanted, said)
    is_doubtful = layout is None or not layout.matched or layout.agreement < AGREEING

    # A spec may be older than the file: an export that was changed should not stop a month for
    # that.
    if said != Said() and is_doubtful:
        own = layout_of(lines, wanted, Said())
        if own and own.matched:
            return own, Said()

    if layout is None:
        raise LandingError(f"{path}: the first line is empty; put the headers there")

    return layout, said


def _head_lines(path: Path, text: Path, found: TextScan) -> list[str]:
    """The first lines of the file, whole ones."""
    _check_first_line(path, found)
    lines: list[str] = []
    size = 0
    with lines_of(text) as stream:
        for line in stream:
            lines.append(line)
            size += len(line)
            # A wide table needs more than the usual head to show some rows.
            is_enough = size > HEAD_BYTES and len(lines) >= 20
            if is_enough or size > 64 * HEAD_BYTES:
                break

    return lines


def _check_first_line(path: Path, found: TextScan) -> None:
    head = found.head.decode("utf-8", errors="ignore").removeprefix("\ufeff")
    if "\n" in head or "\r" in head:
        return

    first_line = "".join(head.splitlines()[:1])
    if len(first_line) >= MAX_HEADER_LINE_BYTES - 4:
        raise LandingError(
            f"{path}: line 1 has {MAX_HEADER_LINE_BYTES:,} bytes or more; "
            f"put the headers there alone, and end lines with LF or CRLF; {UNTOUCHED}"
        )


def _check_headers(path: Path, layout: Layout) -> None:
    longest = max(map(len, layout.headers))
    if longest > MAX_HEADER_CHARACTERS:
        raise LandingError(
            f"{path}: line {layout.skip + 1}: a header has {longest:,} characters, more than "
            f"{MAX_HEADER_CHARACTERS:,}; put the headers there, and close their quotation marks; "
            f"{UNTOUCHED}"
        )


def _is_plain(layout: Layout, found: TextScan) -> bool:
    """Whether DuckDB reads the file as it is."""
    dialect = layout.dialect
    if dialect.separator not in SEPARATORS or dialect.quote != '"' or dialect.has_blanks_before:
        return False
    if layout.skip or layout.header_lines != 1:
        return False
    if len(layout.header_record) != layout.width:
        return False

    has_mixed_line_ends = found.has_lf and found.has_crlf
    # Anything odd is written again here, row by row: DuckDB would drop or join such rows without a
    # word.
    is_odd = (
        found.has_bare_cr
        or has_mixed_line_ends
        or found.has_backslash_quote
        or found.has_blank_rows
        or found.has_header_again
    )
    return not is_odd and not _has_closing(layout, found)


def _has_closing(layout: Layout, found: TextScan) -> bool:
    """Whether the last row that is not blank closes the file."""
    lines = found.tail.decode("utf-8", errors="ignore").splitlines(keepends=True)
    records = list(layout.dialect.records(lines[-20:], strict=False))
    for record in reversed(records):
        if record.filled:
            return len(record.fields) != layout.width or layout.is_closing(record)
    return False
