"""Payments are booked late where they are late."""


def test_late_payments_are_booked_late(query):
    """Days late are never negative and some payments are late."""
    assert query("select min(days_late), max(days_late) > 5 from transactions") == [(0, True)]
