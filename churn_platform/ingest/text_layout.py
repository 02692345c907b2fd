"""Finds how a text file is laid out: separator, quoting, the line of headers, and what closes it.
Pure.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from churn_platform.ingest.headers import Twins, distinct, normalised

SEPARATORS = (",", ";", "\t", "|")
RARE_SEPARATORS = ("^", "~", ":", "\x01", "\x1f")
LOOKED_AT_RECORDS = 200
HEADER_WITHIN = 100
AGREEING = 0.8
_TOTALS = """
    total totals subtotal sub-total sum sums summe gesamt gesamtsumme insgesamt zwischensumme
    somme totale totali suma soma somma totaal totalt yhteensa celkem razem osszesen toplam
    \u0438\u0442\u043e\u0433\u043e \u5408\u8ba1 \u5408\u8a08
"""
_TOTAL_SAYINGS = (
    "grand total",
    "total general",
    "total g\u00e9n\u00e9ral",
    "totale generale",
    "all customers",
)
TOTALS = frozenset((*_TOTALS.split(), *_TOTAL_SAYINGS))
HINT = re.compile(r'^\s*"?sep=(?P<separator>[^"\r\n])"?\s*$', re.IGNORECASE)
ESCAPED = re.compile(r'\\(["\\])')


@dataclass(frozen=True)
class Wanted:
    """The normalised headers that a reader looks for, and that of the customer's or event's id."""

    names: frozenset[str] = frozenset()
    key: str | None = None


@dataclass(frozen=True)
class Said:
    """What the user or the spec says of a layout; None if the file is to say it."""

    separator: str | None = None
    quote: str | None = None
    skip: int | None = None


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
        given = (
            (ESCAPED.sub(self._doubled, line) for line in lines) if self.has_backslashes else lines
        )
        reader = csv.reader(
            given,
            delimiter=self.separator,
            quotechar=self.quote,
            skipinitialspace=self.has_blanks_before,
            strict=strict,
        )
        before = 0
        for fields in reader:
            yield TextRecord(before + 1, reader.line_num, fields)
            before = reader.line_num

    def _doubled(self, escaped: re.Match[str]) -> str:
        return self.quote * 2 if escaped[1] == self.quote else escaped[1]


@dataclass(frozen=True)
class Layout:
    """A dialect, and where in the file the rows of a table are.

    skip: lines above the headers. width: fields of each row. key: place of the id, if known.
    `shapes` are those of the first fields, by which a row that is cut short is told from a closing
    line.
    """

    dialect: Dialect
    skip: int
    headers: tuple[str, ...]
    header_record: tuple[str, ...]
    header_lines: int
    width: int
    key: int | None
    matched: int
    agreement: float
    twins: tuple[Twins, ...] = ()
    shapes: frozenset[str] = field(default_factory=frozenset)

    def is_closing(self, record: TextRecord) -> bool:
        """Whether a row at the end of the file is a total or a remark, and no customer."""
        filled = record.filled
        if not filled:
            return True
        if len(record.fields) == self.width:
            key = record.fields[self.key or 0].strip()
            is_total = plain_word(key or filled[0]) in TOTALS
            return is_total or (self.key is not None and not key and 2 * len(filled) <= self.width)
        if plain_word(filled[0]) in TOTALS:
            return True
        is_alone = len(filled) == 1 and record.fields[0].strip() == filled[0]
        return is_alone and not self._is_cut_short(filled[0])

    def _is_cut_short(self, text: str) -> bool:
        # A last line with half an id is a file that was cut short, not a remark below the table.
        return any(known.startswith(shape(text)) for known in self.shapes)


def plain_word(text: str) -> str:
    """A word as totals are listed."""
    return text.strip(" :.*-=").casefold()


def shape(text: str) -> str:
    """The text with its letters and digits alike."""
    return re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", text.strip()))


def layout_of(lines: Sequence[str], wanted: Wanted, said: Said) -> Layout | None:
    """The layout under which the first lines of a file make most sense; None if they hold
    nothing.

    Most sense: it finds most of the wanted headers, then most rows have as many fields as the
    headers.
    """
    hinted = _hint(lines)
    if said.separator or hinted:
        return _best(
            lines, [said.separator or hinted or ","], wanted, said, has_hint=hinted is not None
        )
    # Usual separators first: a rare one, such as the colon of times, could cut a line into more
    # fields.
    found = _best(lines, SEPARATORS, wanted, said, has_hint=False)
    if found is None or found.width > 1:
        return found
    return _best(lines, (*SEPARATORS, *RARE_SEPARATORS), wanted, said, has_hint=False)


def _best(
    lines: Sequence[str], separators: Sequence[str], wanted: Wanted, said: Said, *, has_hint: bool
) -> Layout | None:
    candidates = [
        found
        for separator in separators
        for dialect in _dialects(separator, said, lines)
        if (found := _layout(lines, dialect, wanted, said.skip, has_hint))
    ]
    # Of equals the first: commas and double quotes before others.
    return max(candidates, key=_sense, default=None)


def _sense(layout: Layout) -> tuple[int, bool, bool, float, int]:
    is_table = layout.agreement >= AGREEING and layout.width > 1
    fits = len(layout.header_record) == layout.width
    # The headers that the reader looks for count most: no other layout finds them by chance.
    return layout.matched, is_table, fits, layout.agreement, layout.width


def _hint(lines: Sequence[str]) -> str | None:
    """The separator that Excel's first line names."""
    found = HINT.match(lines[0].lstrip("\ufeff")) if lines else None
    return found["separator"] if found else None


def _dialects(separator: str, said: Said, lines: Sequence[str]) -> list[Dialect]:
    quotes = (said.quote,) if said.quote else ("'",) if _wraps(separator, lines) else ('"',)
    text = "".join(lines)
    has_backslashes = (False, True) if '\\"' in text or "\\'" in text else (False,)
    dialects = []
    for quote in quotes:
        has_blanks = separator.strip() != "" and f"{separator} {quote}" in text
        dialects += [Dialect(separator, quote, escaped, has_blanks) for escaped in has_backslashes]
    return dialects


def _wraps(separator: str, lines: Sequence[str]) -> bool:
    """Whether single quotes wrap all headers, or every value of a column, so that they are no
    apostrophes.
    """
    plain = Dialect(separator)
    wrapped = re.compile(r"^\s*'.*'\s*$", re.DOTALL)
    rows = [record.filled for record in _some(lines, plain)]
    rows = [row for row in rows if len(row) > 1]
    if len(rows) < 2:
        return False
    if all(wrapped.match(cell) for cell in rows[0]):
        return True
    ends = [bool(row[0].startswith("'") and wrapped.match(row[0])) for row in rows[1:]]
    return all(ends)


def _some(lines: Sequence[str], dialect: Dialect) -> list[TextRecord]:
    found: list[TextRecord] = []
    try:
        for record in dialect.records(lines, strict=False):
            found.append(record)
            if len(found) == LOOKED_AT_RECORDS:
                break
    except csv.Error:
        return found
    return found


def _layout(
    lines: Sequence[str], dialect: Dialect, wanted: Wanted, skip: int | None, has_hint: bool
) -> Layout | None:
    records = [record for record in _some(lines, dialect) if record.filled]
    if has_hint:
        records = records[1:]
    if skip is not None:
        records = [record for record in records if record.first_line > skip]
    if not records:
        return None
    place = 0 if skip is not None else _header_place(records, wanted)
    header, body = records[place], records[place + 1 :]
    full = [len(record.fields) for record in body]
    width = max(set(full), key=full.count) if full else len(header.fields)
    named = _fitted([*header.fields], width, body)
    headers, twins = distinct(named)
    names = [normalised(name) for name in headers]
    return Layout(
        dialect=dialect,
        skip=header.first_line - 1,
        headers=tuple(headers),
        header_record=tuple(header.fields),
        header_lines=header.last_line - header.first_line + 1,
        width=len(headers),
        key=names.index(wanted.key) if wanted.key in names else None,
        matched=len(wanted.names.intersection(names)),
        agreement=full.count(len(headers)) / len(full) if full else 1.0,
        twins=tuple(twins),
        shapes=frozenset(
            shape(record.fields[0]) for record in body if len(record.fields) == len(headers)
        ),
    )


def _header_place(records: Sequence[TextRecord], wanted: Wanted) -> int:
    """The first row with most of the wanted names; without any, the first that is as wide as most
    and mostly filled.
    """
    found = [
        len(wanted.names.intersection(normalised(value) for value in record.fields))
        for record in records[:HEADER_WITHIN]
    ]
    if max(found) > 0:
        return found.index(max(found))
    widths = [len(record.fields) for record in records]
    usual = max(set(widths), key=widths.count)
    for place, record in enumerate(records[:HEADER_WITHIN]):
        if len(record.fields) == usual and 2 * len(record.filled) > usual:
            return place
    return 0


def _fitted(header: list[str], width: int, body: Sequence[TextRecord]) -> list[str]:
    """The headers, with one for a column that has none: of row numbers in front, or of ends of
    lines behind.
    """
    if len(header) > width:
        behind = [value for value in header[width:] if value.strip()]
        return header if behind else header[:width]
    if len(header) == width - 1:
        rows = [record.fields for record in body if len(record.fields) == width]
        if all(not fields[-1].strip() for fields in rows):
            return [*header, ""]
        # R writes the numbers of rows without a header.
        if all(fields[0].strip().isdigit() for fields in rows):
            return ["", *header]
    return header
