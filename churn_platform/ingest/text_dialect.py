"""Cuts the lines of a text file into fields, and says which ways of cutting are worth a try.
Pure.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

SEPARATORS = (",", ";", "\t", "|")
RARE_SEPARATORS = ("^", "~", ":", "\x01", "\x1f")
LOOKED_AT_RECORDS = 200
HINT = re.compile(r'^\s*"?sep=(?P<separator>[^"\r\n])"?\s*$', re.IGNORECASE)
ESCAPED = re.compile(r'\\(["\\])')
IN_SINGLE_QUOTES = re.compile(r"^\s*'.*'\s*$", re.DOTALL)


@dataclass(frozen=True)
class TextRecord:
    """One row of text, with the numbers of its first and last line in the file."""

    first_line: int
    last_line: int
    fields: Sequence[str]

    @property
    def filled(self) -> list[str]:
        """Its fields that are not blank."""
        return [value.strip() for value in self.fields if value.strip()]


@dataclass(frozen=True)
class Dialect:
    """How a line is cut into fields."""

    separator: str
    quote: str = '"'
    has_backslashes: bool = False
    has_blanks_before: bool = False

    def records(self, lines: Iterable[str], *, strict: bool) -> Iterator[TextRecord]:
        """The rows of text; csv.Error from strict reading where quotation marks do not fit."""
        # Not by the csv module's `escapechar`: it takes every backslash away, also that of a path.
        reader = csv.reader(
            map(self._without_backslashes, lines) if self.has_backslashes else lines,
            delimiter=self.separator,
            quotechar=self.quote,
            skipinitialspace=self.has_blanks_before,
            strict=strict,
        )
        before = 0
        for fields in reader:
            yield TextRecord(before + 1, reader.line_num, fields)
            before = reader.line_num

    def _without_backslashes(self, line: str) -> str:
        return ESCAPED.sub(self._doubled, line)

    def _doubled(self, escaped: re.Match[str]) -> str:
        return self.quote * 2 if escaped[1] == self.quote else escaped[1]


def hinted_separator(lines: Sequence[str]) -> str | None:
    """The separator that Excel's first line names."""
    if not lines:
        return None
    found = HINT.match(lines[0].lstrip("\ufeff"))
    return found["separator"] if found else None


def first_records(lines: Iterable[str], dialect: Dialect) -> list[TextRecord]:
    """The first rows, up to where quotation marks do not fit."""
    found: list[TextRecord] = []
    try:
        for record in dialect.records(lines, strict=False):
            found.append(record)
            if len(found) == LOOKED_AT_RECORDS:
                break
    except csv.Error:
        return found

    return found


def dialects(separator: str, quote: str | None, lines: Sequence[str]) -> list[Dialect]:
    """The ways in which lines with this separator may be cut; without `quote` it is told from
    them.
    """
    if not quote:
        quote = "'" if _are_in_single_quotes(separator, lines) else '"'

    text = "".join(lines)
    has_blanks_before = separator.strip() != "" and f"{separator} {quote}" in text
    found = [Dialect(separator, quote, False, has_blanks_before)]

    # Without backslashes first: in most files a backslash is just a letter.
    if '\\"' in text or "\\'" in text:
        found.append(Dialect(separator, quote, True, has_blanks_before))

    return found


def _are_in_single_quotes(separator: str, lines: Sequence[str]) -> bool:
    """Whether single quotes wrap all headers, or every value of the first column, so that they are
    no apostrophes.
    """
    rows = []
    for record in first_records(lines, Dialect(separator)):
        cells = record.filled
        if len(cells) > 1:
            rows.append(cells)

    if len(rows) < 2:
        return False
    if all(map(IN_SINGLE_QUOTES.match, rows[0])):
        return True

    first_cells = [row[0] for row in rows[1:]]
    return all(cell.startswith("'") and IN_SINGLE_QUOTES.match(cell) for cell in first_cells)
