"""How a column writes its numbers is told from one example of every shape."""

import pytest

from churn_platform.onboarding.number_format import Reading, read_shapes, settled
from churn_platform.published.value_format import ValueFormat


def read(*texts: str) -> Reading | None:
    """The reading of texts that occur once each."""
    return read_shapes(dict.fromkeys(texts, 1))


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (("1.234,50", "7,00"), ValueFormat(",", ".")),
        (("1,234.50", "7.00"), ValueFormat(".", ",")),
        (("12,5 \u20ac", "7,25 \u20ac"), ValueFormat(",", "", ("\u20ac",))),
        (("1'234.5",), ValueFormat(".", "'")),
    ],
)
def test_the_format_is_the_one_that_every_example_has(texts: tuple[str, ...], form: ValueFormat):
    """Also with a currency around the numbers."""
    reading = read(*texts)
    assert reading is not None
    assert reading.open_sign is None
    assert reading.form == form


@pytest.mark.parametrize("texts", [("12", "n.b."), ("5 %", "0.05"), ("5 EUR", "6 USD")])
def test_what_is_no_column_of_numbers_has_no_format(texts: tuple[str, ...]):
    """A word among them, shares beside percentages, or two currencies."""
    assert read(*texts) is None


def test_three_digits_behind_a_sign_leave_it_open():
    """1.234 may be a little or more than a thousand."""
    reading = read("1.234")
    assert reading is not None
    assert reading.open_sign == "."


def test_a_whole_number_of_four_digits_settles_it():
    """Thousands are not separated then."""
    reading = read("1.234", "1234")
    assert reading is not None
    assert (reading.open_sign, reading.proves) == (None, ".")


def test_the_rest_of_the_file_settles_what_is_open():
    """Proven signs first, then the separator of fields; contradictions are asked."""
    reading = Reading(ValueFormat("."), open_sign=".")
    thousands = ValueFormat(",", ".")
    assert settled(reading, {"."}, ",") == reading.form
    assert settled(reading, {","}, ",") == thousands
    assert settled(reading, set(), ";") == thousands
    assert settled(reading, set(), ",") is None
    assert settled(reading, {".", ","}, ";") is None
