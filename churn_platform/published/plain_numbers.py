"""Numbers as people read them, alike for the platform and the service: never with an exponent."""

import math
from decimal import Decimal

EXACT = 15  # digits that every float64 holds


def number(value: float, *, digits: int = 4) -> str:
    """A number with so many significant digits, but every digit before the point: '20,000', '0.85'.

    For bounds that must be exact, digits is `EXACT`.
    """
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    shown = f"{Decimal(f'{value:.{digits - 1}e}'):,f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
