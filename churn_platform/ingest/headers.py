"""Names of columns: how headers are compared, cleaned and kept apart."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def normalised(header: str) -> str:
    """A header as names are compared, without BOM, case, outer or repeated blanks.

    '  Total  Charges' becomes 'total_charges'.

    Camel case is split, so 'TotalCharges' and 'Total charges' are one name. A header of signs alone
    stays as it is.
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", header.strip("\ufeff \t\r\n"))
    return re.sub(r"[\W_]+", "_", words.lower()).strip("_") or header.strip()


@dataclass(frozen=True)
class Twins:
    """Two headers of one name: the first keeps it, the second was given a number."""

    first: str
    second: str
    renamed: str


def distinct(headers: Iterable[str]) -> tuple[list[str], list[Twins]]:
    """The headers on one line each, unnamed ones named by place, and those of one name numbered."""
    # The order of the columns decides alone, so that a file of another month is named alike.
    named: list[str] = []
    taken: dict[str, str] = {}
    twins: list[Twins] = []
    for place, header in enumerate(headers, start=1):
        words = header.strip("\ufeff").split()
        plain = " ".join(words) or f"column{place}"
        name = _free(plain, taken)
        if name != plain:
            first = taken[normalised(plain)]
            twins.append(Twins(first, plain, name))

        taken[normalised(name)] = name
        named.append(name)

    return named, twins


def _free(header: str, taken: dict[str, str]) -> str:
    number = 2
    name = header
    while normalised(name) in taken:
        name = f"{header}_{number}"
        number += 1
    return name


def twins_finding(twins: Sequence[Twins]) -> list[str]:
    """What a person must know of columns that were given another name."""
    findings = []
    for it in twins:
        findings.append(
            f"columns {it.first!r} and {it.second!r} are one name; "
            f"the second is called {it.renamed!r}"
        )

    return findings
