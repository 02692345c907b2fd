"""Names of columns are compared, cleaned and kept apart."""

import pytest

from churn_platform.ingest.headers import Twins, distinct, normalised, twins_finding


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("  Total  Charges ", "total_charges"),
        ("TotalCharges", "total_charges"),
        ("\ufeffcustomer-ID", "customer_id"),
        ("%", "%"),
    ],
)
def test_headers_are_compared_without_their_spelling(header: str, name: str):
    """Case, blanks and a byte-order mark do not count; a sign alone stays as it is."""
    assert normalised(header) == name


def test_each_column_has_a_name_of_its_own():
    """An unnamed one has its place, the second of two has a number, line ends are gone."""
    names, twins = distinct(["id", "", "Monthly\nfee", "ID"])
    assert names[:3] == ["id", "column2", "Monthly fee"]
    assert twins == [Twins("id", "ID", names[3])]
    assert normalised(names[3]) not in ("id", "column2", "monthly_fee")


def test_twins_are_said():
    """With the name that the second was given."""
    assert twins_finding([Twins("id", "ID", "ID_2")]) == [
        "columns 'id' and 'ID' are one name; the second is called 'ID_2'"
    ]
