"""Calls: a circle of contacts, and fields that fit the kind of record."""

from churn_platform_tests.simulator.conftest import reader


def test_calls_go_to_a_circle(make_world):
    """A customer has fewer contacts than calls, and keeps most of them in the next month."""
    query = reader(make_world(customers=300, months=2, calls_per_customer=50))
    spoken = "from cdr where record_type <> 'data'"
    assert query(
        f"select count(distinct (customer_id, month, contact_number)) < 0.6 * count(*) {spoken}"
    ) == [(True,)]
    february = f"select customer_id, contact_number {spoken} and month = '2025-02'"
    january = f"select distinct customer_id, contact_number {spoken} and month = '2025-01'"
    kept = query(
        f"select count(*) from ({february}) semi join ({january}) j using (customer_id, "
        "contact_number)"
    )[0][0]
    assert kept > 0.7 * query(f"select count(*) from ({february})")[0][0]


def test_traffic_fields_fit_the_record_type(query):
    """Calls last, data sessions have volume, and only calls and texts have another party."""
    wrong = """
        (record_type = 'voice') <> (duration_s > 0)
        or (record_type = 'data') <> (contact_number is null)
        or (record_type <> 'data' and data_mb <> 0) or (record_type <> 'voice' and is_dropped)
    """
    assert query(f"select count(*) from cdr where {wrong}") == [(0,)]
