"""How the values of a column are written: one description for ingest, which reads it in SQL, and
for the service.

Light on purpose: msgspec and the standard library alone. `churn_platform/ingest/formatted.py` says
the same in SQL.
"""

import math
import re
from datetime import UTC, date, datetime

import msgspec

BLANKS = " \t\u00a0\u2007\u2009\u202f"
APOSTROPHES = "'\u2019\u02bc`"
MISSING_MARKERS = (
    "na",
    "n/a",
    "null",
    "none",
    "nan",
    "?",
    "-",
)  # missing in every column but one of text
EPOCH = {"epoch_seconds": 1, "epoch_milliseconds": 1000}
TIME_OF_DAY = r"[T ]+[0-9]{1,2}:[0-9]{2}.*$"
INFINITE = frozenset(
    {"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity", "\u221e", "-\u221e"}
)


class ValueFormat(msgspec.Struct, frozen=True):
    """How a column writes numbers, days and what is missing.

    thousands: the sign between groups of digits; a blank is for every kind of blank, an
    apostrophe for every kind.
    affixes: currencies, units or per cent signs around a number, which are dropped.
    date: a strptime pattern, `epoch_seconds` or `epoch_milliseconds`; the value is then the days
    before the snapshot.
    """

    decimal: str = "."
    thousands: str = ""
    affixes: tuple[str, ...] = ()
    date: str | None = None
    missing: tuple[str, ...] = ()


def thousands_class(thousands: str) -> str:
    """The regular expression for one sign between groups of digits."""
    signs = {" ": BLANKS, "'": APOSTROPHES}.get(thousands, thousands)
    return f"[{signs}]"


def number_pattern(form: ValueFormat) -> str:
    """The regular expression of a whole number text once affixes and signs are in front."""
    decimal = re.escape(form.decimal)
    digits = r"[0-9]+"
    if form.thousands:
        # Groups of two as well as of three: India writes 1,23,456.
        sign = thousands_class(form.thousands)
        digits = rf"(?:[1-9][0-9]{{0,2}}(?:{sign}[0-9]{{2,3}})*{sign}[0-9]{{3}}|[0-9]+)"

    return rf"^[+-]?(?:{digits}(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:[eE][+-]?[0-9]+)?$"


def is_missing(text: str, form: ValueFormat) -> bool:
    """Whether the text is blank or one of the column's words for a missing value, in any case."""
    plain = text.strip(BLANKS).lower()
    return not plain or plain in form.missing


def read_number(text: str, form: ValueFormat) -> float:
    """The number that a text of this format says; ValueError if it says none."""
    plain = text
    for affix in form.affixes:
        plain = plain.replace(affix, "")

    plain = re.sub(f"^[{BLANKS}]+|[{BLANKS}]+$", "", plain).replace("\u2212", "-")
    # Negative numbers as accountants write them: (12) and 12-.
    plain = re.sub(r"^\(([^()]*)\)$|^([^-]*)-$", r"-\1\2", plain)
    plain = re.sub(f"^([+-]?)[{BLANKS}]+|[{BLANKS}]+$", r"\1", plain)
    if not re.fullmatch(number_pattern(form), plain):
        raise ValueError(text)

    if form.thousands:
        plain = re.sub(thousands_class(form.thousands), "", plain)

    number = float(plain.replace(form.decimal, "."))
    if not math.isfinite(number):
        raise ValueError(text)

    return number


def read_date(text: str, form: ValueFormat) -> date:
    """The day that a text of this format says; ValueError if it says none."""
    assert form.date is not None
    plain = text.strip(BLANKS)
    if form.date in EPOCH:
        return datetime.fromtimestamp(float(plain) / EPOCH[form.date], UTC).date()
    return datetime.strptime(re.sub(TIME_OF_DAY, "", plain), form.date).date()
