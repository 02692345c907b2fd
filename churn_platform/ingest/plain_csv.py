"""Turns a delivered table of any usual kind into one that DuckDB reads as it is: UTF-8, commas,
headers first.

A file that is so already is left where it is; any other is written again, row by row, beside a list
of what was found.
"""

import csv
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from churn_platform.errors import LandingError
from churn_platform.ingest.headers import twins_finding
from churn_platform.ingest.soundness import (
    FIELDS,
    MAX_LINE_BYTES,
    QUOTATION,
    UNTOUCHED,
    checked_lines,
    is_gzip,
    pieces_of,
)
from churn_platform.ingest.text_encoding import (
    EncodingNotClear,
    encoding_of,
    wide_encoding,
    write_utf8,
)
from churn_platform.ingest.text_layout import (
    AGREEING,
    HINT,
    SEPARATORS,
    Layout,
    Said,
    TextRecord,
    Wanted,
    layout_of,
)
from churn_platform.ingest.text_scan import TextScan, scan
from churn_platform.portfolios.spec import FileOptions

HEAD_BYTES = 1 << 18
MAX_HEADER_LINE_BYTES = 1 << 20
MAX_HEADER_CHARACTERS = 1_000
BACKSLASHES = "quotation marks inside values are written with a backslash"
SPOKEN = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", " ": "blank"}


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
    findings += [*_on_line_ends(found), *_on_layout(layout, text), *twins_finding(layout.twins)]
    if _is_plain(layout, found, text):
        return PlainTable(text, layout.dialect.separator, layout, kept, tuple(findings))
    target = folder / "plain.csv"
    findings += _write_either_way(
        named, text, layout, target, has_backslashes=found.has_backslash_quote
    )
    return PlainTable(target, ",", layout, kept, tuple(findings))


def _kept(layout: Layout, encoding: str | None, said: Said) -> FileOptions:
    """What the spec must say of the file: what is not plain, and lines to skip where they were
    said.
    """
    separator, quote = layout.dialect.separator, layout.dialect.quote
    return FileOptions(
        encoding=encoding,
        separator=None if separator == "," else separator,
        quote="'" if quote == "'" else None,
        skip=layout.skip if said.skip else None,
    )


def _write_either_way(
    path: Path, text: Path, layout: Layout, target: Path, *, has_backslashes: bool
) -> list[str]:
    """Write the table; where it cannot be read so, with a backslash before quotation marks, if the
    file has any.
    """
    try:
        # Without backslashes first: in most files a backslash is just a letter.
        return _write(path, text, layout, target)
    except LandingError:
        if not has_backslashes or layout.dialect.has_backslashes:
            raise
        dialect = replace(layout.dialect, has_backslashes=True)
        return [BACKSLASHES, *_write(path, text, replace(layout, dialect=dialect), target)]


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
    shown = f", for example {', '.join(words)}" if words else ""
    speaks_for_itself = encoding.known_by.startswith("by its")
    change = "" if speaks_for_itself else "; `encoding:` in the spec changes it"
    finding = f"read as {encoding.name}, {encoding.known_by}{shown}{change}"
    kept = None if speaks_for_itself else encoding.name
    return text, scan(checked_lines(path, pieces_of(text))), kept, [finding]


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
    head = found.head.decode("utf-8", errors="ignore").removeprefix("\ufeff")
    longest = max(map(len, head.splitlines()[:1]), default=0)
    if longest >= MAX_HEADER_LINE_BYTES - 4 and "\n" not in head and "\r" not in head:
        raise LandingError(
            f"{path}: line 1 has {MAX_HEADER_LINE_BYTES:,} bytes or more; "
            f"put the headers there alone, and end lines with LF or CRLF; {UNTOUCHED}"
        )
    lines: list[str] = []
    size = 0
    with _opened(text) as stream:
        for line in stream:
            lines.append(line)
            size += len(line)
            # A wide table needs more than the usual head to show some rows.
            if (size > HEAD_BYTES and len(lines) >= 20) or size > 64 * HEAD_BYTES:
                break
    return lines


def _opened(path: Path) -> TextIO:
    """The text with its line ends as they are, so that quoted ones are kept."""
    if is_gzip(path):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")  # type: ignore[return-value]
    return path.open(encoding="utf-8-sig", newline="")


def _check_headers(path: Path, layout: Layout) -> None:
    longest = max(len(header) for header in layout.headers)
    if longest > MAX_HEADER_CHARACTERS:
        raise LandingError(
            f"{path}: line {layout.skip + 1}: a header has {longest:,} characters, more than "
            f"{MAX_HEADER_CHARACTERS:,}; put the headers there, and close their quotation marks; "
            f"{UNTOUCHED}"
        )


def _is_plain(layout: Layout, found: TextScan, text: Path) -> bool:
    """Whether DuckDB reads the file as it is."""
    dialect = layout.dialect
    is_usual = (
        dialect.separator in SEPARATORS and dialect.quote == '"' and not dialect.has_blanks_before
    )
    starts_plainly = layout.skip == 0 and layout.header_lines == 1
    # Anything odd is written again here, row by row: DuckDB would drop or join such rows without a
    # word.
    is_odd = (
        found.has_bare_cr
        or (found.has_lf and found.has_crlf)
        or found.has_backslash_quote
        or found.has_blank_rows
        or found.has_header_again
    )
    fits = len(layout.header_record) == layout.width
    return is_usual and starts_plainly and fits and not is_odd and not _has_closing(layout, found)


def _has_closing(layout: Layout, found: TextScan) -> bool:
    lines = found.tail.decode("utf-8", errors="ignore").splitlines(keepends=True)
    records = list(layout.dialect.records(lines[-20:], strict=False))
    last = [record for record in records if record.filled][-1:]
    return any(len(it.fields) != layout.width or layout.is_closing(it) for it in last)


def _write(path: Path, text: Path, layout: Layout, target: Path) -> list[str]:
    """Write the table's rows with commas; returns what was left out."""
    with _opened(text) as source, target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(layout.headers)
        rows = _Rows(path, layout)
        try:
            for record in rows.of(source):
                writer.writerow(record.fields)
        except csv.Error:
            raise LandingError(
                f"{path}: cannot be read: line {rows.line}: {QUOTATION}; {UNTOUCHED}"
            ) from None
    return rows.findings()


class _Rows:
    """The rows of a table below its headers, and what was left out among and behind them."""

    def __init__(self, path: Path, layout: Layout):
        self.path = path
        self.layout = layout
        self.line = 0
        self.closing: list[TextRecord] = []
        self.blank = 0
        self.repeated = 0

    def of(self, lines: Iterator[str]) -> Iterator[TextRecord]:
        """The rows in order; LandingError for one with too few or too many fields that does not
        close the file.
        """
        header = self.layout.header_record
        past_header = is_after_blank = False
        for record in self.layout.dialect.records(_below(lines, self.layout.skip), strict=True):
            self.line = record.last_line + self.layout.skip
            if not past_header:
                past_header = True
                continue
            if not record.filled:
                self.blank += len(record.fields) > 1
                is_after_blank = True
                continue
            if tuple(record.fields) == header:
                self.repeated += 1
                continue
            is_remark = is_after_blank and len(record.fields) != self.layout.width
            if is_remark or self.layout.is_closing(record):
                self.closing.append(record)
                continue
            is_after_blank = False
            yield from self._released()
            yield self._whole(record)

    def _released(self) -> Iterator[TextRecord]:
        """What looked like closing lines, and was followed by rows: rows, too, or errors."""
        held, self.closing = self.closing, []
        for record in held:
            yield self._whole(record)

    def _whole(self, record: TextRecord) -> TextRecord:
        if len(record.fields) != self.layout.width:
            line = record.first_line + self.layout.skip
            raise LandingError(f"{self.path}: cannot be read: line {line}: {FIELDS}; {UNTOUCHED}")
        return record

    def findings(self) -> list[str]:
        """What was left out, in words."""
        said = [
            f"line {record.first_line + self.layout.skip} closes the file and was left out: "
            f"{self.layout.dialect.separator.join(record.fields).strip()[:60]!r}"
            for record in self.closing[:3]
        ]
        if self.blank:
            said.append(f"{self.blank:,} rows without any value were left out")
        if self.repeated:
            said.append(
                f"the headers are there {self.repeated + 1:,} times; "
                "the repeated lines were left out"
            )
        return said


def _below(lines: Iterator[str], skip: int) -> Iterator[str]:
    for place, line in enumerate(lines):
        if place >= skip:
            yield line


def _on_line_ends(found: TextScan) -> list[str]:
    is_cr_alone = found.has_bare_cr and not found.has_lf and not found.has_crlf
    return ["lines end in CR alone, as on an old Macintosh"] if is_cr_alone else []


def _on_layout(layout: Layout, text: Path) -> list[str]:
    """What a person must know of the separator, the quotation marks and the lines above the
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
    said += _on_lines_above(_first_lines(text, layout.skip), layout.skip + 1)
    return [*said, *_on_line_ends_in(layout.header_record), *_on_unnamed(layout)]


def _on_lines_above(lines: Sequence[str], header_line: int) -> list[str]:
    """What stands above the headers: Excel's word for the separator, then titles."""
    said = []
    if lines and HINT.match(lines[0]):
        said.append(f"line 1 names the separator: {lines[0].strip()!r}")
        lines = lines[1:]
    if lines:
        plain = [line.strip(" ,;\t|\r\n") for line in lines]
        shown = ", ".join([repr(line[:40]) for line in plain if line][:3]) or "blank lines"
        said.append(f"the headers are in line {header_line}; above them: {shown}")
    return said


def _first_lines(text: Path, number: int) -> list[str]:
    with _opened(text) as stream:
        return [next(stream, "") for _ in range(min(number, 50))]


def _on_line_ends_in(header_record: Sequence[str]) -> list[str]:
    return [
        f"the header {header!r} is called {' '.join(header.split())!r}"
        for header in header_record
        if len(header.strip().splitlines()) > 1
    ]


def _on_unnamed(layout: Layout) -> Sequence[str]:
    named = {
        header
        for header, given in zip(layout.headers, layout.header_record, strict=False)
        if given.strip()
    }
    unnamed = [
        header for header in layout.headers if header.startswith("column") and header not in named
    ]
    return (
        [f"columns without a header are called {', '.join(map(repr, unnamed))}"] if unnamed else []
    )
