"""Writes the rows of a delivered table with commas between, without what closes the file."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from churn_platform.errors import LandingError
from churn_platform.ingest.soundness import FIELDS, QUOTATION, UNTOUCHED, lines_of
from churn_platform.ingest.text_dialect import TextRecord
from churn_platform.ingest.text_findings import BACKSLASHES
from churn_platform.ingest.text_layout import Layout

SHOWN_CLOSING_LINES = 3


def write_rows(
    path: Path, text: Path, layout: Layout, target: Path, *, has_backslashes: bool
) -> list[str]:
    """Write the table in `text`; returns what was left out. LandingError says `path` for the file.

    Where the table cannot be read so, it is read with a backslash before quotation marks, if the
    file has any.
    """
    try:
        # Without backslashes first: in most files a backslash is just a letter.
        return _write(path, text, layout, target)
    except LandingError:
        if not has_backslashes or layout.dialect.has_backslashes:
            raise

        dialect = replace(layout.dialect, has_backslashes=True)
        with_backslashes = replace(layout, dialect=dialect)
        return [BACKSLASHES, *_write(path, text, with_backslashes, target)]


def _write(path: Path, text: Path, layout: Layout, target: Path) -> list[str]:
    rows = _Rows(path, layout)
    with lines_of(text) as source, target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(layout.headers)
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
        layout = self.layout
        is_after_blank = False
        for place, record in enumerate(self._records(lines)):
            self.line = record.last_line + layout.skip
            if place == 0:
                continue  # the headers

            if not record.filled:
                if len(record.fields) > 1:
                    self.blank += 1

                is_after_blank = True
                continue

            # Exports that were put together repeat the headers of each part.
            if tuple(record.fields) == layout.header_record:
                self.repeated += 1
                continue

            is_remark = is_after_blank and len(record.fields) != layout.width
            if is_remark or layout.is_closing(record):
                self.closing.append(record)
                continue

            is_after_blank = False
            yield from self._released()
            yield self._whole(record)

    def _records(self, lines: Iterator[str]) -> Iterator[TextRecord]:
        below = islice(lines, self.layout.skip, None)
        return self.layout.dialect.records(below, strict=True)

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
        said = []
        for record in self.closing[:SHOWN_CLOSING_LINES]:
            line = record.first_line + self.layout.skip
            text = self.layout.dialect.separator.join(record.fields).strip()
            said.append(f"line {line} closes the file and was left out: {text[:60]!r}")

        if self.blank:
            said.append(f"{self.blank:,} rows without any value were left out")

        if self.repeated:
            said.append(
                f"the headers are there {self.repeated + 1:,} times; "
                "the repeated lines were left out"
            )

        return said
