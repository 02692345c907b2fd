"""Values put into the catalogue's sentences, alike for the platform and for serving. Light: the
standard library alone.

A sentence is a format string with `{value}`. Beside Python's own formats it may say:

- `{value:change}`: 'fell 62 %' or 'rose 62 %' of a ratio; `{value:change .2f}` of a number, 'rose
2.00'
- `{value:count ticket}`: '1 ticket', '3 tickets'
- `{value:either has ended|still runs}`: the first for true, the second for false
- `{value:until day|before|after}`: '3 days before', '1 day after' for -1
"""

from collections.abc import Callable
from functools import lru_cache, partial
from string import Formatter
from typing import Any

CHANGE, COUNT, EITHER, UNTIL = "change", "count", "either", "until"
Value = str | bool | int | float


def decoded(number: float, kind: str, levels: tuple[str, ...]) -> str | bool | int | float | None:
    """The value that an encoded number means: a level, a bool, an int or a float.

    None for NaN, and for a level that came into the catalogue after these.
    """
    if number != number:
        return None
    if kind == "category":
        return levels[int(number)] if 0 <= number < len(levels) else None
    return {"boolean": bool, "integer": int, "number": float}[kind](number)


def sentence(template: str, value: Value) -> str:
    """The template with the value as people write it: whole numbers plain, booleans yes or no, '62
    %'.

    KeyError for a field that is not called `value`.
    """
    return teller(template)(value)


@lru_cache(maxsize=1024)
def teller(template: str) -> Callable[[Any], str]:
    """A function that puts a value into the template, which is taken apart once: a month asks
    millions of times.
    """
    pieces = [
        (literal, _form(field, spec)) for literal, field, spec, _ in Formatter().parse(template)
    ]

    def tell(value: Any) -> str:
        return "".join([literal + form(value) for literal, form in pieces])

    return tell


def _form(field: str | None, format_spec: str | None) -> Callable[[Any], str]:
    """How a value is written in a field; nothing if a text ends without one."""
    if field is None:
        return lambda value: ""
    if field != "value":
        raise KeyError(field)

    kind, _, rest = (format_spec or "").partition(" ")
    if kind == CHANGE:
        return partial(_change, format_spec=rest or ".0%")
    if kind == COUNT:
        return partial(_count, unit=rest)

    if kind == EITHER:
        yes, no = rest.split("|")[:2]
        return lambda value: yes if value else no

    if kind == UNTIL:
        unit, before, after = rest.split("|")[:3]
        return lambda value: f"{_count(abs(value), unit)} {before if value >= 0 else after}"

    return partial(_formatted, format_spec=format_spec or "")


def _count(value: int, unit: str) -> str:
    return f"{value:,} {unit}{'' if value == 1 else 's'}"


def _change(value: float, format_spec: str) -> str:
    size = _formatted(abs(value), format_spec)
    if size == _formatted(0.0, format_spec):
        # Rounded to zero, neither "rose 0 %" nor "fell 0 %" would be true.
        return f"changed by {size}"
    return f"{'fell' if value < 0 else 'rose'} {size}"


def _formatted(value: Any, format_spec: str) -> str:
    if format_spec:
        return format(value, format_spec).replace("%", " %")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.1f}".removesuffix(".0")

    return f"{value:,}" if isinstance(value, int) else value.replace("_", " ")
