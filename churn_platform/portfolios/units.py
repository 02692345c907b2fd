"""Units of the numbers that operators keep, against the unit in the name of a contract's column."""

from collections.abc import Mapping
from fractions import Fraction

# Each against the first of its kind. Volumes are decimal, as an operator bills them.
MONEY = {"eur": Fraction(1), "cents": Fraction(1, 100), "mills": Fraction(1, 1000)}
TIME = {
    "seconds": Fraction(1),
    "milliseconds": Fraction(1, 1000),
    "minutes": Fraction(60),
    "hours": Fraction(3600),
    "days": Fraction(86400),
}
VOLUME = {
    "mb": Fraction(1),
    "bytes": Fraction(1, 10**6),
    "kb": Fraction(1, 1000),
    "gb": Fraction(1000),
    "kib": Fraction(1024, 10**6),
    "mib": Fraction(1024**2, 10**6),
    "gib": Fraction(1024**3, 10**6),
}
BY_SUFFIX: Mapping[str, Mapping[str, Fraction]] = {"_eur": MONEY, "_s": TIME, "_mb": VOLUME}


def units_for(column: str) -> tuple[str, ...]:
    """The units that values of the column can be given in; none if its name has no unit."""
    for suffix, units in BY_SUFFIX.items():
        if column.endswith(suffix):
            return tuple(units)
    return ()


def factor_of(column: str, unit: str) -> Fraction | None:
    """What a value in that unit is multiplied by; None if the unit does not fit the column."""
    for suffix, units in BY_SUFFIX.items():
        if column.endswith(suffix):
            return units.get(unit.lower())
    return None
