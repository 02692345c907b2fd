"""A value is put into a sentence as people write it."""

import subprocess
import sys

import pytest

from churn_platform.published.sentences import decoded, sentence


@pytest.mark.parametrize(
    ("template", "value", "expected"),
    [
        ("Data use {value:change}", -0.62, "Data use fell 62 %"),
        ("Data use {value:change}", 1.5, "Data use rose 150 %"),
        ("Data use {value:change}", -0.001, "Data use changed by 0 %"),
        ("Price {value:change .2f} EUR", 2.0, "Price rose 2.00 EUR"),
        ("Price {value:change .2f} EUR", -0.5, "Price fell 0.50 EUR"),
        ("{value:count ticket} open", 1, "1 ticket open"),
        ("{value:count ticket} open", 0, "0 tickets open"),
        ("{value:count late payment}", 1200, "1,200 late payments"),
        ("It {value:either has ended|still runs}", True, "It has ended"),
        ("It {value:either has ended|still runs}", False, "It still runs"),
        ("{value:until day|to|after} the end", 1_500, "1,500 days to the end"),
        ("{value:until day|to|after} the end", 0, "0 days to the end"),
        ("{value:until day|to|after} the end", -1, "1 day after the end"),
        ("{value:.0%} dropped", 0.125, "12 % dropped"),
        ("Late: {value}", True, "Late: yes"),
        ("{value} GB", 1234.56, "1,234.6 GB"),
        ("{value} GB", 12.0, "12 GB"),
        ("Contract: {value}", "month_to_month", "Contract: month to month"),
        ("No placeholder", 3, "No placeholder"),
    ],
)
def test_values_read_as_people_write_them(template, value, expected):
    """Changes have a direction, counts a plural, truth values words, shares a
    spaced percent sign.
    """
    assert sentence(template, value) == expected


def test_a_number_is_decoded_by_its_type():
    """Codes become levels and truth values; what is missing becomes none."""
    assert [
        decoded(1.0, kind, ("a", "b")) for kind in ("category", "boolean", "integer", "number")
    ] == [
        "b",
        True,
        1,
        1.0,
    ]
    assert decoded(float("nan"), "category", ("a",)) is None


def test_sentences_are_light():
    """A serving process says them without numpy, let alone the platform's libraries."""
    code = (
        "import sys, churn_platform.published.sentences; "
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "pydantic", "dagster", "pandas"} & set(loaded)
