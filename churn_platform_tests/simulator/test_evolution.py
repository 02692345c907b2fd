"""How customers change from month to month."""


def test_contracts_renew_and_drift(query):
    """From month to month some end dates move ahead and some commitments become month to month."""
    pair = (
        "customers a join customers b on a.customer_id = b.customer_id "
        "and a.month = '2025-01' and b.month = '2025-02'"
    )
    assert query(
        f"select count(*) > 0 from {pair} where b.contract_end_date > a.contract_end_date"
    ) == [(True,)]
    drift = "a.contract_type in ('one_year', 'two_year') and b.contract_type = 'month_to_month'"
    assert query(f"select count(*) > 0 from {pair} where {drift}") == [(True,)]
