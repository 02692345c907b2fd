"""Which known names an unknown one may mean: prepared once per bundle, asked in microseconds.

Comparing a name with every known one costs a hundred times what a prediction does. Here each known
name leaves traces in one dictionary, and an unknown name is looked up by its own few.
"""

import re
from collections.abc import Iterable, Iterator

NAMES_MAX = 3
CHARACTERS_MAX = 80
TRACE_MIN = 3  # of fewer characters nearly every name leaves the same

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+\w?")
_SEPARATOR = re.compile(r"[\W_]+")


class Suggestions:
    """The names that are known, by what they have in common with those that are not.

    Found are names that differ in case or separators alone, so camelCase as well; those with one
    character more, fewer, other or swapped with the next; and those that begin with the same words.
    """

    def __init__(self, names: Iterable[str]):
        self._same: dict[str, list[str]] = {}
        self._alike: dict[str, list[str]] = {}
        self._longest = 0
        for name in names:
            plain = _plain(name)
            self._longest = max(self._longest, len(plain))
            self._same.setdefault(plain, []).append(name)
            traces = {plain, *_one_fewer(plain), *_beginnings(name)}
            for trace in traces:
                if len(trace) >= TRACE_MIN:
                    self._alike.setdefault(trace, []).append(name)

    def near(self, name: str) -> list[str]:
        """Up to three known names, the likeliest first; none if nothing is alike."""
        plain = _plain(name[:CHARACTERS_MAX])
        same = self._same.get(plain)
        if same:
            return same[:NAMES_MAX]
        # No known name is one change away from a longer one.
        if len(plain) > self._longest + 1:
            return []

        found: dict[str, None] = {}
        for trace in (plain, *_one_fewer(plain)):
            found |= dict.fromkeys(self._alike.get(trace, ()))
            if len(found) >= NAMES_MAX:
                break

        return list(found)[:NAMES_MAX]


def _plain(name: str) -> str:
    """The name without case and separators."""
    return _SEPARATOR.sub("", name.casefold())


def _one_fewer(plain: str) -> Iterator[str]:
    """The name without each of its characters."""
    for place in range(len(plain)):
        yield plain[:place] + plain[place + 1 :]


def _beginnings(name: str) -> Iterator[str]:
    """The first word of a name, the first two, and so on."""
    begun = ""
    for word in _WORD.findall(name):
        begun += word.casefold()
        yield begun
