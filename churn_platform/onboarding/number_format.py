"""Decides how a column writes its numbers, from one example of every shape that
occurs in it. Pure.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from churn_platform.published.value_format import BLANKS, ValueFormat, number_pattern, read_number

STYLES = (
    (".", ""),
    (",", ""),
    (".", ","),
    (",", "."),
    (".", "'"),
    (",", "'"),
    (".", " "),
    (",", " "),
)
AROUND = re.compile(r"^(?P<before>[^0-9.,]*)(?P<digits>[0-9.,].*?)(?P<after>[^0-9]*)$")
SIGNS = "+-()\u2212"
UNITS = re.compile(
    r"[$\u20ac\u00a3\u00a5\u20b9\u20bd\u20ba\u20a9%\u2030\u00b0]|R\$|US\$|A\$|C\$|[A-Z]{3}\.?-?|Rs\.?|kr\.?|Fr\.?|z\u0142|K\u010d|Ft|lei"
    r"|[kKMGT]i?[bB]|[mM]in(s|utes)?\.?|sec|hrs?|days?|Tage|months?|Monate|years?|Jahre|pts?|pct|\u0440\u0443\u0431\.?"
)


@dataclass(frozen=True)
class Reading:
    """A format, and whether the values alone leave it open if a sign is before decimals or
    between thousands.
    """

    form: ValueFormat
    open_sign: str | None = None
    has_small_whole: bool = False
    proves: str | None = None


def read_shapes(shapes: Mapping[str, int]) -> Reading | None:
    """The format in which every example is a number; None if there is none."""
    affixes = _affixes(shapes)
    if affixes is None:
        return None

    fitting = []
    for style in STYLES:
        form = ValueFormat(*style, affixes=affixes)
        if _fits(form, shapes):
            fitting.append(form)

    if not fitting:
        return None

    cores = list(map(_core, shapes))
    sign = _open_sign(fitting, cores)
    if sign is None:
        form = fitting[0]
        has_decimals = any(form.decimal in core for core in cores)
        is_proven = has_decimals or form.thousands in (".", ",")
        return Reading(form, proves=form.decimal if is_proven else None)

    whole = [core for core in cores if core.isdigit()]
    # A whole number of four digits without a sign proves that thousands are not separated.
    if max(map(len, whole), default=0) > 3:
        return Reading(ValueFormat(sign, affixes=affixes), proves=sign)

    return Reading(
        ValueFormat(sign, affixes=affixes),
        open_sign=sign,
        has_small_whole=bool(whole),
    )


def _open_sign(fitting: Sequence[ValueFormat], cores: Sequence[str]) -> str | None:
    """The sign that occurs, and may be before decimals or between thousands; None if there is
    none.
    """
    styles = {(form.decimal, form.thousands) for form in fitting}
    for sign, other in ((".", ","), (",", ".")):
        is_open = {(sign, ""), (other, sign)} <= styles
        if is_open and any(sign in core for core in cores):
            return sign
    return None


def settled(reading: Reading, proven: Collection[str], separator: str | None) -> ValueFormat | None:
    """The format of a reading that is open, from the rest of the file; None if the user is to be
    asked.
    """
    sign = reading.open_sign
    if sign is None:
        return reading.form

    other = "," if sign == "." else "."
    says_decimal = sign in proven
    says_thousands = other in proven or reading.has_small_whole
    if says_thousands and says_decimal:
        return None
    if says_decimal:
        return reading.form

    # Files with semicolons come from places where a comma separates decimals.
    has_semicolons = separator == ";"
    if says_thousands or has_semicolons == (sign == "."):
        return ValueFormat(other, sign, reading.form.affixes)

    return None


def _affixes(shapes: Mapping[str, int]) -> tuple[str, ...] | None:
    """The one currency or unit around the numbers; None if there are others."""
    found: dict[str, int] = {}
    for text, count in shapes.items():
        around = AROUND.match(text)
        if not around:
            return None
        for side in ("before", "after"):
            affix = around[side].strip(SIGNS + BLANKS)
            if affix:
                found[affix] = found.get(affix, 0) + count

    if not found:
        return ()
    if len(found) > 1:
        return None

    ((affix, count),) = found.items()
    if not UNITS.fullmatch(affix):
        return None
    # A column with some per cent signs mixes shares and percentages: 5 % and 0.05.
    if "%" in affix and count < sum(shapes.values()):
        return None

    return (affix,)


def _core(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit() or sign in ".,")


def _fits(form: ValueFormat, shapes: Mapping[str, int]) -> bool:
    for text in shapes:
        try:
            read_number(text, form)
        except ValueError:
            return False
    return bool(number_pattern(form))
