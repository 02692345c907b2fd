"""Reads values in a column's own format, in SQL; `published/value_format.py` says the same in
Python.
"""

from churn_platform.published.value_format import (
    BLANKS,
    EPOCH,
    INFINITE,
    TIME_OF_DAY,
    ValueFormat,
    number_pattern,
    thousands_class,
)
from churn_platform.sql import literal, one_of


def without_missing(text: str, form: ValueFormat) -> str:
    """The text without outer blanks; null if it is one of the format's words for a missing
    value.
    """
    trimmed = f"trim({text}, {literal(BLANKS)})"
    is_word = one_of(f"lower({trimmed})", ("", *form.missing))
    return f"case when not {is_word} then {trimmed} end"


def drops_infinite(form: ValueFormat) -> bool:
    """Whether an infinite number counts as missing."""
    return not INFINITE.isdisjoint(form.missing)


def number(text: str, form: ValueFormat) -> str:
    """SQL for the number; null if the text says none. The text appears once, so nesting does not
    multiply it.
    """
    plain = f"({text})"
    for affix in form.affixes:
        plain = f"replace({plain}, {literal(affix)}, '')"

    plain = f"replace(trim({plain}, {literal(BLANKS)}), '\u2212', '-')"
    # Accountants' negative numbers: (12) and 12-.
    plain = _replaced(plain, r"^\(([^()]*)\)$|^([^-]*)-$", r"-\1\2")
    plain = _replaced(plain, f"^([+-]?)[{BLANKS}]+|[{BLANKS}]+$", r"\1", every=True)
    plain = f"regexp_extract({plain}, {literal(number_pattern(form))})"

    if form.thousands:
        sign = thousands_class(form.thousands)
        plain = _replaced(plain, sign, "", every=True)

    with_point = f"replace({plain}, {literal(form.decimal)}, '.')"
    value = f"try_cast({with_point} as double)"
    # 1e400 is no number that can be computed with
    return f"list_filter([{value}], lambda x: isfinite(x))[1]"


def day(text: str, form: ValueFormat) -> str:
    """SQL for the date; null if the text says none."""
    assert form.date is not None
    if form.date in EPOCH:
        microseconds = 1_000_000 // EPOCH[form.date]
        moment = f"(try_cast({text} as double) * {microseconds})::bigint"
        return f"make_timestamp({moment})::date"

    plain = _replaced(f"trim({text})", TIME_OF_DAY, "")
    return f"try_strptime({plain}, {literal(form.date)})::date"


def _replaced(text: str, pattern: str, by: str, *, every: bool = False) -> str:
    return (
        f"regexp_replace({text}, {literal(pattern)}, "
        f"{literal(by)}{', ' + literal('g') if every else ''})"
    )
