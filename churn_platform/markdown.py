"""Markdown that people read in the UI, in model cards and on the terminal: tables, pictures, and
text that reads as itself.
"""

import base64
import re
from collections.abc import Iterable, Sequence

SPECIAL = re.compile(r"([\\`*_\[\]<>&|#~!])")
RULES = {"l": "---", "r": "--:"}


class Finished(str):
    """Markdown that is finished: it is put into a page as it is."""


def escaped(value: object) -> str:
    """The value as one line of Markdown text, every character that means
    something there escaped.

    So no name or value can add a column, a link or a tag.
    """
    return SPECIAL.sub(r"\\\1", " ".join(str(value).split()))


def put(value: object) -> str:
    """The value as a page takes it: finished Markdown as it is, anything else escaped."""
    return value if isinstance(value, Finished) else escaped(value)


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, align: str = "") -> str:
    """A table; cells are put as they read, unless they are `Finished`.

    align: a letter for each column, l for text and r for numbers. Without it the first column is
    text and the others are numbers. ValueError if a row is not as wide as the head.
    """
    columns = len(head)
    sides = align or "l" + "r" * (columns - 1)
    rules = "|".join(RULES[side] for side in sides)
    lines = [_line(head), f"|{rules}|"]
    for row in rows:
        if len(row) != columns:
            raise ValueError(f"a row of {len(row)} cells in a table of {columns}: {row}")
        lines.append(_line(row))

    return "\n".join(lines)


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(put, cells))} |"


def picture(name: str, png: bytes) -> Finished:
    """A picture with its bytes inside, so that it needs no other file."""
    return Finished(f"![{escaped(name)}](data:image/png;base64,{base64.b64encode(png).decode()})")
