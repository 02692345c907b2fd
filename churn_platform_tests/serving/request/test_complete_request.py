"""What is read at once is read as it would be name by name, or left to that."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_platform.published.format import PublishedFeature
from serving.errors import Fault
from serving.request.inputs import Catalogue


def feature(
    name: str,
    kind: str,
    *,
    low: float | None = None,
    high: float | None = None,
    nullable: bool = False,
):
    """A feature of two levels, where it has any."""
    levels = ("day", "night") if kind == "category" else ()
    return PublishedFeature(
        name, kind, None, (low, high), levels, nullable, None, None, name, "{value}"
    )


FEATURES = (
    feature("calls", "integer", low=0, high=500),
    feature("spent", "number", low=-1.5),
    feature("balance", "number", nullable=True),
    feature("is_senior", "boolean", nullable=True),
    feature("plan", "category", nullable=True),
    feature("region", "category"),
)
CATALOGUE = Catalogue(FEATURES)
UNREADABLE_TEXT = b'{"plan": "' + b"\xff" * 200 + b'"}'
WHOLE = {
    "calls": 3,
    "spent": 2.5,
    "balance": None,
    "is_senior": True,
    "plan": "night",
    "region": "day",
}


def whole(**changes: object):
    """What is read at once of the whole customer with changes."""
    return CATALOGUE.whole(json.dumps(WHOLE | changes).encode())


def test_a_whole_customer_is_read_at_once():
    """Levels become their codes, truth 1, null NaN; the id comes along."""
    customer_id, vector = whole(customer_id="C1")
    assert customer_id == "C1"
    assert vector.dtype == np.float32
    np.testing.assert_array_equal(vector, [3, 2.5, np.nan, 1, 1, 0])
    assert whole()[0] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"calls": 3.5},
        {"calls": 501},
        {"calls": "3"},
        {"calls": None},
        {"spent": -2},
        {"spent": 1e39},
        {"is_senior": "yes"},
        {"plan": "dawn"},
        {"plan": 'night", "calls": '},
        {"region": None},
        {"unknown": 1},
        {"customer_id": ""},
        {"customer_id": "x" * 121},
        {"customer_id": "a:b"},
    ],
)
def test_what_is_wrong_or_said_otherwise_is_left_to_the_reader_by_name(changes):
    """None, whatever the reason."""
    assert whole(**changes) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"[" * 5000, b'"' + b"a" * 200 + b'"', b"\xff" * 200, UNREADABLE_TEXT],
)
def test_what_is_no_object_is_left_to_the_reader_by_name(body):
    """None, and no error."""
    assert CATALOGUE.whole(body) is None


def test_a_feature_that_is_missing_or_named_twice_is_left_to_the_reader_by_name():
    """The reader by name takes the default for one, and refuses the other."""
    text = json.dumps(WHOLE)
    assert (
        CATALOGUE.whole(json.dumps({k: v for k, v in WHOLE.items() if k != "spent"}).encode())
        is None
    )
    assert CATALOGUE.whole((text[:-1] + ', "calls": 4}').encode()) is None


NUMBERS = st.one_of(
    st.integers(-600, 600), st.floats(-600, 600), st.none(), st.booleans(), st.text(max_size=3)
)
LEVELS = st.sampled_from(["day", "night", "dusk", None, 1])
BODIES = st.fixed_dictionaries(
    {
        "calls": NUMBERS,
        "spent": NUMBERS,
        "balance": NUMBERS,
        "is_senior": NUMBERS,
        "plan": LEVELS,
        "region": LEVELS,
    }
)


@settings(max_examples=300, deadline=None)
@given(BODIES)
def test_both_readers_agree(body):
    """What is read at once has no fault name by name, and the same values."""
    faults: list[Fault] = []
    values = CATALOGUE.read(body, faults)
    found = CATALOGUE.whole(json.dumps(body).encode())
    if found is not None:
        assert not faults
        np.testing.assert_array_equal(
            found[1], np.float32([values[place] for place in range(len(FEATURES))])
        )
