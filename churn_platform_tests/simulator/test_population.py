"""Commitments end where their contract says."""


def test_commitments(query):
    """One- and two-year contracts have an end date; prepaid and month-to-month ones have none."""
    wrong = "(contract_type in ('one_year', 'two_year')) <> (contract_end_date is not null)"
    assert query(f"select count(*) from customers where {wrong}") == [(0,)]
