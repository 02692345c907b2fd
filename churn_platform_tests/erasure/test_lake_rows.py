"""Rows of the customer go from every table, and no others."""

from churn_platform_tests.erasure.conftest import (
    ADA,
    BOB,
    OTHERS,
    World,
)


def test_only_the_customers_own_rows_go(world: World) -> None:
    """Every table loses the rows of one customer and no other."""
    count = "select count(*) from {0} where customer_id {1} '" + ADA + "'"
    tables = ["tiny_raw.customers", "tiny_raw.calls", "tiny.customer_features", "tiny.contact_list"]
    others = [world.rows(count.format(table, "<>")) for table in tables]
    done = world.erase()
    assert done.plan.subject.found == {
        "tiny.contact_list": 1,
        "tiny.customer_features": 2,
        "tiny_raw.calls": 2,
        "tiny_raw.customers": 2,
    }
    assert [world.rows(count.format(table, "=")) for table in tables] == [[(0,)]] * 4
    assert [world.rows(count.format(table, "<>")) for table in tables] == others


def test_another_portfolio_keeps_its_customer_of_that_id(world: World) -> None:
    """`tiny_two` is not `tiny`: its rows stay, in a file and in the catalog, and the search does
    not take offence.
    """
    world.write(
        "create schema tiny_two",
        f"create table tiny_two.contact_list as select '{ADA}' as customer_id",
        "create schema tiny_two_raw",
        f"create table tiny_two_raw.customers as select '{ADA}' as customer_id "
        f"from range({OTHERS})",
    )
    assert "tiny_two.contact_list" not in world.erase().plan.subject.found
    assert world.rows(
        f"select count(*) from tiny_two_raw.customers where customer_id = '{ADA}'"
    ) == [(OTHERS,)]
    assert world.rows("select customer_id from tiny_two.contact_list") == [(ADA,)]


def test_the_number_is_emptied_where_others_called_it(world: World) -> None:
    """Bob's calls stay, without the number of the erased customer; the number of somebody else
    stays.
    """
    world.erase()
    found = world.rows(
        "select customer_id, contact_hash is null, count(*) from tiny_raw.calls "
        "group by all order by all"
    )
    assert found == [(BOB, False, 3), (BOB, True, 3)]
