"""The base over time: who leaves is gone, and the base keeps its size."""


def test_churned_customers_vanish(query):
    """A customer who leaves in M has a churn date in M, the status 'churned' in M, and no row in
    M+1.
    """
    assert query(
        "select count(*) from customers where (status = 'churned') <> (churn_date is not null)"
    ) == [(0,)]
    assert query("select count(*) from customers where strftime(churn_date, '%Y-%m') <> month") == [
        (0,)
    ]
    leavers = "select customer_id, month from customers where status = 'churned'"
    assert query(leavers) != []
    assert query(
        f"select count(*) from ({leavers}) l join customers c using (customer_id) "
        "where c.month > l.month"
    ) == [(0,)]


def test_base_stays_constant(query):
    """New customers replace those who leave."""
    rows = query("select month, count(*) filter (status = 'active') from customers group by 1")
    assert {count for _, count in rows} == {1500}
