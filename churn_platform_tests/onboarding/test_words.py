"""Words of a label, and names of columns, say who left."""

import pytest

from churn_platform.onboarding.words import is_target, meaning, plain, speaks_of


def test_words_are_compared_without_their_spelling():
    """Case, accents, quotation marks and repeated blanks do not count."""
    assert plain(' "R\u00e9sili\u00e9". ') == "resilie"
    assert plain("keine  Angabe") == "keine angabe"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Yes", "yes"),
        ("nein", "no"),
        ("n/a", "missing"),
        ("Churned", "left"),
        ("active customer", "stayed"),
        ("blue", None),
    ],
)
def test_a_value_says_what_it_means(value: str, said: str | None):
    """In the languages that operators write in; None if the word is not known."""
    assert meaning(value) == said


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("churn", "leaving"),
        ("not_churned", "staying"),
        ("is_active", "staying"),
        ("churn_retention", None),
        ("fee", None),
    ],
)
def test_a_name_speaks_of_leaving_or_staying(name: str, spoken: str | None):
    """A negation turns it round; one that says both says nothing."""
    assert speaks_of(name) == spoken


def test_a_target_is_known_by_its_name():
    """Data sets call it so."""
    assert is_target("target")
    assert not is_target("fee")
