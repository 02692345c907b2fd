"""Who refuses contacts keeps to it."""


def test_some_customers_refuse_contacts_and_keep_to_it(query):
    """About 8 % have opted out, and who has in one month has in the next."""
    assert query(
        "select count(*) between 0.06 * (select count(*) from customers) "
        "and 0.10 * (select count(*) from customers) "
        "from contact_preferences"
    ) == [(True,)]
    gone = query(
        "select count(*) from contact_preferences as before "
        "join customers as after on before.customer_id = after.customer_id "
        "and after.month > before.month "
        "anti join contact_preferences as still "
        "on still.customer_id = after.customer_id and still.month = after.month"
    )
    assert gone == [(0,)]
