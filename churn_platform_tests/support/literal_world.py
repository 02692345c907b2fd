"""Four customers from November 2024 to March 2025, small enough to compute every feature of
February by hand.

ada has events on both sides of every window's edge, ben joins in February and does nothing, cleo
pays the same amount every month and leaves in March, dan leaves in February.
"""

from datetime import date, datetime
from typing import Any

NOV, DEC, JAN, FEB, MAR = (
    date(2024, 11, 1),
    date(2024, 12, 1),
    date(2025, 1, 1),
    date(2025, 2, 1),
    date(2025, 3, 1),
)


def customer(
    month: date,
    name: str,
    *,
    signup: date = date(2024, 1, 10),
    left: date | None = None,
    status: str | None = None,
    plan: float = 20.0,
) -> tuple[Any, ...]:
    """A customer's row; ada alone has a commitment, until the last day of February."""
    contract, end = ("one_year", date(2025, 2, 28)) if name == "ada" else ("prepaid", None)
    state = status or ("active" if left is None else "churned")
    return (
        month,
        name,
        7,
        signup,
        state,
        left,
        contract,
        end,
        "cash",
        "25-34",
        "female",
        "centre",
        plan,
    )


def payment(
    number: int, name: str, at: datetime, eur: float, *, late: int = 0, failed: bool = False
) -> tuple[Any, ...]:
    """A payment's row."""
    return (at.date().replace(day=1), f"t{number}", name, at, "monthly_fee", eur, late, failed)


def record(
    number: int,
    at: datetime,
    kind: str,
    *,
    outgoing: bool = True,
    contact: int | None = None,
    seconds: int = 0,
    mb: float = 0.0,
    abroad: bool = False,
    dropped: bool = False,
) -> tuple[Any, ...]:
    """A call record of ada."""
    month = at.date().replace(day=1)
    return (month, f"r{number}", "ada", at, kind, outgoing, contact, seconds, mb, abroad, dropped)


def ticket(
    number: int,
    opened: datetime,
    category: str,
    escalated: datetime | None,
    resolved: datetime | None,
) -> tuple[Any, ...]:
    """A support ticket of ada."""
    return (
        opened.date().replace(day=1),
        f"k{number}",
        "ada",
        opened,
        category,
        escalated,
        resolved,
    )


def session(number: int, at: datetime, seconds: int, screen: str = "home") -> tuple[Any, ...]:
    """An app session of ada."""
    return (at.date().replace(day=1), f"s{number}", "ada", at, seconds, screen)


ROWS = {
    "customers": [
        *(customer(month, "ada") for month in (NOV, DEC)),
        *(customer(month, "ada", plan=25.0) for month in (JAN, FEB, MAR)),
        *(customer(month, "ben", signup=date(2025, 2, 20)) for month in (FEB, MAR)),
        *(customer(month, "cleo") for month in (NOV, DEC, JAN, FEB)),
        customer(MAR, "cleo", left=date(2025, 3, 31)),
        *(customer(month, "dan") for month in (NOV, DEC, JAN)),
        customer(FEB, "dan", left=date(2025, 2, 1)),
    ],
    "transactions": [
        payment(1, "ada", datetime(2024, 11, 15), 10.0),
        payment(2, "ada", datetime(2024, 12, 15), 10.0, late=3),
        payment(3, "ada", datetime(2025, 1, 15), 10.0),
        payment(4, "ada", datetime(2025, 2, 10), 20.0, failed=True),
        payment(5, "ada", datetime(2025, 2, 15, 12), 30.0),
        *(payment(10 + month, "cleo", datetime(2025, month, 5), 29.99) for month in (1, 2)),
        payment(13, "cleo", datetime(2024, 12, 5), 29.99),
    ],
    "cdr": [
        record(1, datetime(2024, 12, 20), "voice", contact=1, seconds=60),
        record(2, datetime(2024, 12, 20), "data", mb=500.0),
        record(3, datetime(2025, 1, 29, 23, 59, 59), "voice", contact=9, seconds=60),
        record(4, datetime(2025, 1, 30), "voice", contact=1, seconds=60),
        record(
            5,
            datetime(2025, 2, 10, 8),
            "voice",
            outgoing=False,
            contact=2,
            seconds=120,
            dropped=True,
        ),
        record(6, datetime(2025, 2, 10, 19, 59, 59), "voice", contact=3, seconds=180, abroad=True),
        record(7, datetime(2025, 2, 11, 20), "sms", contact=1),
        record(8, datetime(2025, 2, 28, 12), "data", mb=1500.0),
        record(9, datetime(2025, 3, 1), "voice", contact=4, seconds=600),
    ],
    "support_tickets": [
        ticket(1, datetime(2024, 11, 30, 23, 59, 59), "billing", datetime(2024, 12, 1), None),
        ticket(2, datetime(2024, 12, 1), "complaint", None, datetime(2024, 12, 2)),
        ticket(3, datetime(2025, 2, 1), "billing", datetime(2025, 2, 2), datetime(2025, 2, 3)),
        ticket(4, datetime(2025, 2, 27), "complaint", datetime(2025, 3, 1), datetime(2025, 3, 2)),
    ],
    "app_usage": [
        session(1, datetime(2024, 12, 10), 60),
        session(2, datetime(2025, 1, 29, 23), 60),
        session(3, datetime(2025, 1, 30), 60),
        session(4, datetime(2025, 2, 20), 120, "cancellation"),
    ],
}

ADA_IN_FEBRUARY = {
    "recency_days": 13.5,
    "frequency": 5,
    "monetary_total": 80.0,
    "monetary_avg": 16.0,
    "monetary_std": 80**0.5,
    "tenure_days": 416,
    "recent_frequency": 2,
    "recent_monetary": 50.0,
    "activity_trend": 1.0,
    "late_payments_6m": 1,
    "failed_payments_6m": 1,
    "calls_count_30d": 3,
    "calls_duration_avg_30d": 2.0,
    "calls_duration_total_30d": 6.0,
    "data_usage_gb_30d": 1.5,
    "sms_count_30d": 1,
    "international_calls_ratio": 1 / 3,
    "outgoing_calls_ratio": 2 / 3,
    "peak_hour_ratio": 2 / 3,
    "dropped_calls_ratio": 1 / 3,
    "unique_contacts_30d": 2,
    "active_days_30d": 4,
    "days_since_last_use": 0.5,
    "calls_trend_3m": 2.0,  # 3 calls against (0 + 1 + 2) / 3
    "data_usage_trend_3m": 8.0,  # 1500 MB against (0 + 500 + 0) / 3
    "support_tickets_90d": 3,
    "support_escalations_90d": 1,
    "avg_resolution_time_h": 36.0,
    "complaint_ratio": 2 / 3,
    "unresolved_tickets": 1,
    "frustration_index": 0.7,
    "days_since_last_ticket": 2.0,
    "app_sessions_30d": 2,
    "app_minutes_30d": 3.0,
    "cancellation_views_30d": 1,
    "app_sessions_trend_3m": 1.0,  # 2 sessions against (0 + 1 + 2) / 3
    "days_since_last_app_session": 9.0,
    "contract_type": "one_year",
    "payment_method": "cash",
    "age_group": "25-34",
    "region": "centre",
    "plan_monthly_eur": 25.0,
    "price_change_3m_eur": 5.0,
    "days_to_contract_end": -1,
    "is_out_of_contract": True,
}
