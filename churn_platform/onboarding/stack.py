"""Puts many columns below one another, so that one short statement looks at all of them.

A statement that names hundreds of columns takes gigabytes, and one per column takes minutes.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")

# A table of all values of a file with thousands of columns would not fit into memory.
VALUES_AT_ONCE = 1_000_000


def batches(items: Sequence[Item], rows: int) -> Iterator[Sequence[Item]]:
    """As many columns at once as keep their values, of so many rows each, few."""
    at_once = max(1, VALUES_AT_ONCE // max(1, rows))
    for start in range(0, len(items), at_once):
        yield items[start : start + at_once]


def alike(
    items: Sequence[Item], rows: int, key: Callable[[Item], Hashable]
) -> Iterator[Sequence[Item]]:
    """Batches of columns of one key each, such as those that are read by the same SQL."""
    groups: dict[Hashable, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    for group in groups.values():
        yield from batches(group, rows)


def stacked(reader: str, identifiers: Sequence[str], *, where: str = "true") -> str:
    """SQL for a row per value: the `place` of its column in the list, and the `raw` value.

    Rows of the file follow one another in their order, each with its columns in the given one. The
    columns must be of one SQL type.
    """
    places = ", ".join(map(str, range(len(identifiers))))
    columns = f"unnest([{places}]) as place, unnest([{', '.join(identifiers)}]) as raw"
    return f"(select {columns} from {reader} where {where})"
