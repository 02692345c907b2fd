"""Values put into the catalogue's sentences, alike for the platform and for serving. Light: the standard library alone.

A sentence is a format string with `{value}`. Beside Python's own formats it may say:

- `{value:change}`: 'fell 62 %' or 'rose 62 %' of a ratio; `{value:change .2f}` of a number, 'rose 2.00'
- `{value:count ticket}`: '1 ticket', '3 tickets'
- `{value:either has ended|still runs}`: the first for true, the second for false
"""

from functools import lru_cache
from string import Formatter
from typing import Any

CHANGE, COUNT, EITHER = "change", "count", "either"


def decoded(number: float, kind: str, levels: tuple[str, ...]) -> str | bool | int | float | None:
    """The value that an encoded number stands for: a level, a bool, an int or a float; None for NaN."""
    if number != number:
        return None
    if kind == "category":
        return levels[int(number)]
    return {"boolean": bool, "integer": int, "number": float}[kind](number)


def sentence(template: str, value: str | bool | int | float) -> str:
    """The template with the value as people write it: whole numbers plain, booleans yes or no, '62 %'.

    KeyError for a field that is not called `value`.
    """
    return "".join(literal if spec is None else literal + _told(value, spec) for literal, spec in _pieces(template))


@lru_cache(maxsize=1024)
def _pieces(template: str) -> tuple[tuple[str, str | None], ...]:
    """Each text before a field with the field's format, None behind the last; a month asks millions of times."""
    pieces = []
    for literal, field, spec, _ in Formatter().parse(template):
        if field not in (None, "value"):
            raise KeyError(field)
        pieces.append((literal, None if field is None else spec))
    return tuple(pieces)


def _told(value: Any, format_spec: str | None) -> str:
    kind, _, rest = (format_spec or "").partition(" ")
    if kind == CHANGE:
        return _change(value, rest or ".0%")
    if kind == COUNT:
        return f"{value:,} {rest}{'' if value == 1 else 's'}"
    if kind == EITHER:
        return rest.split("|")[0 if value else 1]
    return _formatted(value, format_spec or "")


def _change(value: float, format_spec: str) -> str:
    size = _formatted(abs(value), format_spec)
    if size == _formatted(0.0, format_spec):
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
