"""Codes in the simulator mean the levels of the spec."""

import pytest

from churn_platform.simulator import levels
from churn_platform.simulator.schema import load_telecomit


@pytest.mark.parametrize(
    ("codes", "table", "column"),
    [
        (levels.ContractType, "customers", "contract_type"),
        (levels.PaymentMethod, "customers", "payment_method"),
        (levels.Region, "customers", "region"),
        (levels.Status, "customers", "status"),
        (levels.TransactionType, "transactions", "transaction_type"),
        (levels.RecordType, "cdr", "record_type"),
        (levels.Screen, "app_usage", "screen"),
        (levels.TicketCategory, "support_tickets", "category"),
    ],
)
def test_codes_follow_the_spec(codes, table, column):
    """A code is the position of its level in the spec."""
    assert (
        tuple(code.name.lower() for code in codes)
        == load_telecomit().table(table).column(column).levels
    )
