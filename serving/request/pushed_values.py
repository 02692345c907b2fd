"""What is kept of a push: values as a model reads them, by the features' own names.

The text as sent is never kept: it may be a megabyte of blanks around a number, and a day means
nothing without the month that it is counted to. A value that was read is small, and says the same
to every model for as long as it holds.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from serving.errors import Fault
from serving.request.inputs import Catalogue
from serving.storage.pushed_file import Value


def values_to_keep(
    catalogues: Sequence[Catalogue],
    given: Mapping[str, Any],
    faults: list[Fault],
    *,
    as_of: date,
    at: str,
) -> dict[str, Value]:
    """Values by feature, for all models; what is wrong goes into `faults`.

    catalogues: the champion's first. A name counts as the first model that knows it reads it;
    another model may know another feature by it, but has no say in what is allowed.
    """
    kept: dict[str, Value] = {}
    read: set[str] = set()
    for catalogue in catalogues:
        new: dict[str, Any] = {}
        again: dict[str, Any] = {}
        for name, value in given.items():
            if name in catalogue.places:
                side = again if name in read else new
                side[name] = value

        values = catalogue.read(again, [], as_of=as_of)
        values |= catalogue.read(new, faults, as_of=as_of, at=at)
        for place, number in values.items():
            kept.setdefault(catalogue.names[place], catalogue.value(place, number))

        read |= new.keys()

    unknown = {name: value for name, value in given.items() if name not in read}
    catalogues[0].read(unknown, faults, at=at)
    return kept
