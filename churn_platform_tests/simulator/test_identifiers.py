"""Ids and numbers are unique, and fictional."""


def test_own_phone_numbers_are_unique(query):
    """A number belongs to one customer, and a customer keeps it."""
    rows = query("select count(distinct phone_number), count(distinct customer_id) from customers")
    assert rows[0][0] == rows[0][1]
