"""An entry of pushed features: what still holds of it, and when it may go."""

import pytest

from serving.storage.pushed_file import EXPIRY, entry_of, has_expired, held_in

HELD = {"usage": (100.0, 20.5), "plan": (200.0, "prepaid")}


def test_values_hold_until_each_expires():
    """At its own instant a value holds no more; the entry goes with the last."""
    stored = entry_of(HELD, now=0.0)
    assert held_in(stored, 99.0) == HELD
    assert held_in(stored, 100.0) == {"plan": (200.0, "prepaid")}
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
    with pytest.raises(OverflowError):
        entry_of({"usage": (100.0, 2**64)}, now=0.0)
