"""Finds how a text file is laid out: separator, quoting, the line of headers, and what closes it.
Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from churn_platform.ingest.headers import Twins, distinct, normalised
from churn_platform.ingest.text_dialect import (
    RARE_SEPARATORS,
    SEPARATORS,
    Dialect,
    TextRecord,
    dialects,
    first_records,
    hinted_separator,
)

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
            has_no_id = self.key is not None and not key
            return is_total or (has_no_id and 2 * len(filled) <= self.width)

        if plain_word(filled[0]) in TOTALS:
            return True

        is_alone = len(filled) == 1 and record.fields[0].strip() == filled[0]
        return is_alone and not self._is_cut_short(filled[0])

    def _is_cut_short(self, text: str) -> bool:
        # A last line with half an id is a file that was cut short, not a remark below the table.
        start = shape(text)
        return any(known.startswith(start) for known in self.shapes)


def plain_word(text: str) -> str:
    """A word as totals are listed."""
    return text.strip(" :.*-=").casefold()


def shape(text: str) -> str:
    """The text with its letters and digits alike."""
    digits_alike = re.sub(r"\d", "9", text.strip())
    return re.sub(r"[^\W\d_]", "A", digits_alike)


def layout_of(lines: Sequence[str], wanted: Wanted, said: Said) -> Layout | None:
    """The layout under which the first lines of a file make most sense; None if they hold
    nothing.

    Most sense: it finds most of the wanted headers, then most rows have as many fields as the
    headers.
    """
    hinted = hinted_separator(lines)
    separator = said.separator or hinted
    if separator:
        return _best(lines, [separator], wanted, said, has_hint=hinted is not None)

    # Usual separators first: a rare one, such as the colon of times, could cut a line into more
    # fields.
    found = _best(lines, SEPARATORS, wanted, said, has_hint=False)
    if found is None or found.width > 1:
        return found

    return _best(lines, (*SEPARATORS, *RARE_SEPARATORS), wanted, said, has_hint=False)


def _best(
    lines: Sequence[str], separators: Sequence[str], wanted: Wanted, said: Said, *, has_hint: bool
) -> Layout | None:
    candidates = []
    for separator in separators:
        for dialect in dialects(separator, said.quote, lines):
            found = _layout(lines, dialect, wanted, said.skip, has_hint)
            if found:
                candidates.append(found)

    # Of equals the first: commas and double quotes before others.
    return max(candidates, key=_sense, default=None)


def _sense(layout: Layout) -> tuple[int, bool, bool, float, int]:
    is_table = layout.agreement >= AGREEING and layout.width > 1
    fits = len(layout.header_record) == layout.width
    # The headers that the reader looks for count most: no other layout finds them by chance.
    return layout.matched, is_table, fits, layout.agreement, layout.width


def _layout(
    lines: Sequence[str], dialect: Dialect, wanted: Wanted, skip: int | None, has_hint: bool
) -> Layout | None:
    records = [record for record in first_records(lines, dialect) if record.filled]
    if has_hint:
        records = records[1:]

    if skip is not None:
        records = [record for record in records if record.first_line > skip]

    if not records:
        return None

    place = 0 if skip is not None else _header_place(records, wanted)
    header, body = records[place], records[place + 1 :]
    usual_width = _usual_width(body or [header])
    named = _fitted([*header.fields], usual_width, body)
    headers, twins = distinct(named)
    width = len(headers)
    names = list(map(normalised, headers))
    whole_rows = [record for record in body if len(record.fields) == width]
    return Layout(
        dialect=dialect,
        skip=header.first_line - 1,
        headers=tuple(headers),
        header_record=tuple(header.fields),
        header_lines=header.last_line - header.first_line + 1,
        width=width,
        key=names.index(wanted.key) if wanted.key in names else None,
        matched=len(wanted.names.intersection(names)),
        agreement=len(whole_rows) / len(body) if body else 1.0,
        twins=tuple(twins),
        shapes=frozenset(shape(record.fields[0]) for record in whole_rows),
    )


def _header_place(records: Sequence[TextRecord], wanted: Wanted) -> int:
    """The first row with most of the wanted names; without any, the first that is as wide as most
    and mostly filled.
    """
    candidates = records[:HEADER_WITHIN]
    found = [_wanted_in(record, wanted) for record in candidates]
    if max(found) > 0:
        return found.index(max(found))

    usual = _usual_width(records)
    for place, record in enumerate(candidates):
        is_mostly_filled = 2 * len(record.filled) > usual
        if len(record.fields) == usual and is_mostly_filled:
            return place

    return 0


def _usual_width(records: Sequence[TextRecord]) -> int:
    widths = [len(record.fields) for record in records]
    return max(set(widths), key=widths.count)


def _wanted_in(record: TextRecord, wanted: Wanted) -> int:
    return len(wanted.names.intersection(map(normalised, record.fields)))


def _fitted(header: list[str], width: int, body: Sequence[TextRecord]) -> list[str]:
    """The headers, with one for a column that has none: of row numbers in front, or of ends of
    lines behind.
    """
    if len(header) > width:
        is_named_behind = any(value.strip() for value in header[width:])
        return header if is_named_behind else header[:width]

    if len(header) == width - 1:
        rows = [record.fields for record in body if len(record.fields) == width]
        if not any(fields[-1].strip() for fields in rows):
            return [*header, ""]
        # R writes the numbers of rows without a header.
        if all(fields[0].strip().isdigit() for fields in rows):
            return ["", *header]

    return header
