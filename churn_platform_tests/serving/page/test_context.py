"""How the page writes values, and what its handlers share."""

from datetime import UTC, datetime

import msgspec
import pytest

from serving.errors import ServiceSettingsError
from serving.page.context import Page, euro, percent, read_texts, title_of


@pytest.fixture
def page(settings):
    """A page on a published month, in a zone that is not UTC."""
    page = Page(msgspec.structs.replace(settings, time_zone="Europe/Zurich"))
    yield page
    page.close()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "yes"),
        (1, "1"),
        (12_345, "12,345"),
        (2.50, "2.5"),
        (3.0, "3"),
        (None, "not known"),
        ("month_to_month", "month to month"),
    ],
)
def test_values_are_written_as_people_do(page, value, written):
    """True is a word although it is a number in Python."""
    assert page.shown(value) == written


def test_an_amount_that_is_missing_is_a_dash():
    """So it is not taken for nothing."""
    assert (percent(None), euro(None)) == ("-", "-")
    assert (percent(0.1234), euro(-1234.5, 1)) == ("12.3%", "-1,234.5 EUR")


def test_a_title_has_no_footnotes():
    """A description ends at its first semicolon for those who only read."""
    assert title_of("Use in GB; of 30 days.") == "Use in GB"
    assert title_of("Plan.") == "Plan"


def test_instants_are_of_the_operators_zone(page):
    """Summer time included."""
    assert page.local(datetime(2026, 7, 1, 22, 30, tzinfo=UTC)) == "2026-07-02 00:30"


def test_a_text_that_the_catalogue_lacks_is_its_key(page):
    """A page with a strange word is better than none."""
    assert page.text("no.such_text") == "no.such_text"


def test_a_language_without_texts_is_refused():
    """By the setting, with those that there are."""
    with pytest.raises(ServiceSettingsError, match="PAGE_LANGUAGE='xx': there is en"):
        read_texts("xx")


def test_a_list_that_was_handed_over_is_private(page):
    """It names customers."""
    path = page.keep_handed_over("tiny", "2026-10", "customer_id\nC-1\n")
    assert path.read_text() == "customer_id\nC-1\n"
    assert path.stat().st_mode & 0o077 == 0
