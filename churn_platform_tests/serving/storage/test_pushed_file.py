"""An entry of pushed features: what still holds of it, and when it may go."""

from itertools import permutations

import pytest

from serving.errors import InvalidRequest
from serving.storage.pushed_file import (
    EXPIRY,
    Kept,
    check_values,
    entry_of,
    has_expired,
    held_in,
    newest,
)

HELD = {"usage": Kept(100.0, 20.5), "plan": Kept(200.0, "prepaid")}


def test_values_hold_until_each_expires():
    """At its own instant a value holds no more; the entry goes with the last."""
    stored = entry_of(HELD, now=0.0)
    assert held_in(stored, 99.0) == HELD
    assert held_in(stored, 100.0) == {"plan": Kept(200.0, "prepaid")}
    assert held_in(stored, 200.0) == {}
    assert [has_expired(stored, now) for now in (199.0, 200.0)] == [False, True]


def test_an_entry_without_values_expires_at_once():
    """There is nothing to wait for."""
    assert has_expired(entry_of({}, now=50.0), 50.0)


def test_no_entry_is_none_that_expired():
    """Half an entry, as a crash may leave, has; no bytes at all were never an entry."""
    assert not has_expired(b"", 0.0)
    assert has_expired(b"half", 0.0)


def test_a_damaged_entry_holds_nothing(caplog):
    """The service scores without it, and its log says so."""
    assert held_in(EXPIRY.pack(100.0) + b"\xc1", 0.0) == {}
    assert "damaged and ignored" in caplog.text


def test_a_number_beyond_64_bits_cannot_be_kept():
    """It is refused when it is pushed, not when it is read."""
    with pytest.raises(InvalidRequest, match=r"at most 2\^64 - 1"):
        check_values({"usage": 2**64})


def test_an_entry_of_an_earlier_version_holds_until_something_newer_comes():
    """It says of no value when it was."""
    stored = EXPIRY.pack(100.0) + b"\x81\xa5usage\x92\xcb@Y\x00\x00\x00\x00\x00\x00\x05"
    held = held_in(stored, 0.0)
    assert held == {"usage": Kept(100.0, 5)}
    assert newest(held, {"usage": Kept(90.0, 4, at_us=1)}) == {"usage": Kept(90.0, 4, at_us=1)}


def test_events_in_any_order_and_number_lead_to_the_same():
    """Of each feature the newest counts; of two of one instant the same one on every host."""
    events = [
        {"usage": Kept(100.0, 1.0, at_us=5), "plan": Kept(100.0, "monthly", at_us=5)},
        {"usage": Kept(90.0, 2.0, at_us=7)},
        {"plan": Kept(100.0, "yearly", at_us=5)},
    ]
    expected = {"usage": Kept(90.0, 2.0, at_us=7), "plan": Kept(100.0, "monthly", at_us=5)}
    for order in permutations([*events, events[0]]):
        held: dict[str, Kept] = {}
        for told in order:
            held = newest(held, told)
        assert held == expected
