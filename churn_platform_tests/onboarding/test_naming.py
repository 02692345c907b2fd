"""Names are made of headers, and speak of what a column holds."""

import pytest

from churn_platform.onboarding.naming import (
    identifier,
    sounds_like_code,
    sounds_like_number_of_one,
    sounds_like_outcome,
    sounds_protected,
    words,
)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("total_charges", "total_charges"),
        ("t\u00e9l\u00e9phone", "telephone"),
        ("2g_usage", "column_2g_usage"),
        ("\u6708", "column_4"),
    ],
)
def test_a_name_resembles_its_header(header: str, name: str):
    """Accents fall off, a name begins with a letter, and one of other signs has its place."""
    assert identifier(header, 4, set()) == name


def test_a_name_that_is_taken_gets_a_number():
    """The first that is free."""
    assert identifier("fee", 1, {"fee", "fee_2"}) == "fee_3"


def test_words_are_as_a_person_writes_them():
    """Without signs that a template could trip over."""
    assert words("monthly_fee_{eur}") == "Monthly fee eur"
    assert words("_") == "Value"


def test_names_speak_of_what_they_hold():
    """An age is protected, that of an account is not."""
    assert sounds_protected("age")
    assert not sounds_protected("account_age")
    assert sounds_like_code("zip_code")
    assert sounds_like_number_of_one("phone_number")
    assert sounds_like_outcome("cancellation_date")
    assert not sounds_like_outcome("monthly_fee")
