"""Numbers as people read them."""

import pytest

from churn_platform.published.plain_numbers import EXACT, number


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (20_000, "20,000"),
        (2e4, "20,000"),
        (2_098_765, "2,098,765"),
        (0.849999, "0.85"),
        (0.0001234, "0.0001234"),
        (1e-9, "0.000000001"),
        (-3.14159, "-3.142"),
        (0, "0"),
        (float("nan"), "nan"),
    ],
)
def test_a_number_has_no_exponent(value: float, shown: str):
    """Four digits are enough to read; `2e+04` is not."""
    assert number(value) == shown


def test_a_bound_is_exact():
    """What a person must keep is not rounded."""
    assert number(1234.5, digits=EXACT) == "1,234.5"
    assert number(1e12, digits=EXACT) == "1,000,000,000,000"
