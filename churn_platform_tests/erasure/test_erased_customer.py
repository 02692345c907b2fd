"""Which numbers are the customer's own."""

from churn_platform_tests.erasure.conftest import (
    ADA,
    BOB,
    World,
)


def test_a_number_that_two_customers_share_stays_with_the_other(world: World) -> None:
    """A family's number is the other customer's as well: it is neither emptied nor suppressed."""
    world.write(
        f"update tiny_raw.customers set phone_number_hash = {world.number(BOB)} "
        f"where customer_id = '{ADA}'"
    )
    world.erase()
    assert world.rows("select count(*) from tiny_raw.calls where contact_hash is null") == [(0,)]
    assert world.rows("select kind from erasure.suppressed") == [("customer",)]
