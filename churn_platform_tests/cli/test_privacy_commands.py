"""`churn erase`: what it refuses before it looks for anybody."""

import pytest


@pytest.mark.parametrize("customer", ["", "  "])
def test_an_empty_id_is_refused(refusal, customer):
    """Nobody is meant by it; the reason is not to blame."""
    told = refusal("erase", "telecomit", "--customer", customer, "--reason", "asked by letter")
    assert told == "the customer's id is empty; give the id with --customer"
