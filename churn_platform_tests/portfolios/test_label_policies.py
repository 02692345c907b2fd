"""Who is on the spine and who left, by each policy, on rows worked out by hand."""

from datetime import date
from typing import Any

import pytest

from churn_platform_tests.support.dbt_sql import run_model

TOP_UPS = [
    {
        "table": "transactions",
        "customer": "customer_id",
        "event_time": "transacted_at",
        "where": {"transaction_type": ["top_up"]},
    }
]
# The months of the tests: features of January, as_of 1 February.
JAN, FEB, MAR, APR = (date(2025, month, 1) for month in (1, 2, 3, 4))
CUSTOMER = "signup_date, contract_end_date, churn_date"
REST = (
    "'prepaid' as contract_type, 'cash' as payment_method, '18-24' as age_group, "
    "'female' as gender, 'south' as region, 10.0 as plan_monthly_eur"
)


def customers(*rows: tuple[str, str, str | None, str | None, str | None]) -> str:
    """Rows of stg_customers: customer, month, signup_date, contract_end_date, churn_date."""
    return (
        f"select *, {REST} from (values {', '.join(map(_values, rows))}) "
        f"as given(customer_id, month, {CUSTOMER})"
    )


def _values(row: tuple[str | None, ...]) -> str:
    customer, *days = row
    told = ["null::date" if day is None else f"date '{day}'" for day in days]
    return f"('{customer}', {', '.join(told)})"


def events(*rows: tuple[str, str, str]) -> str:
    """Rows of stg_transactions: customer, kind, time."""
    told = [f"('{name}', '{kind}', timestamp '{at}')" for name, kind, at in rows]
    return (
        "select *, cast(date_trunc('month', transacted_at) as date) as month "
        f"from (values {', '.join(told)}) as given(customer_id, transaction_type, transacted_at)"
    )


def spine(*names: str, signup: str = "2020-01-01") -> str:
    """January's spine."""
    listed = ", ".join(f"('{name}', date '2025-01-01', date '{signup}')" for name in names)
    return f"select * from (values {listed}) as given(customer_id, month, signup_date)"


def churned(rows: list[dict[str, Any]]) -> dict[str, bool]:
    """The label of each customer."""
    assert {row["features_month"] for row in rows} <= {JAN}
    return {row["customer_id"]: row["churned"] for row in rows}


def every_month(name: str, *months: date, end: str | None = None) -> list[Any]:
    """A customer who is there in each of the months, with one state."""
    return [(name, str(month), "2020-01-01", end, None) for month in months]


INACTIVITY = {"label_policy": "inactivity", "label_days": 30, "label_events": TOP_UPS}


def test_who_is_silent_at_as_of_is_not_on_the_spine():
    """30 days before 1 February is 2 January, 00:00. Calls do not count here, top-ups do; who has
    just joined has had no time to be silent.
    """
    found = run_model(
        "customer_months",
        JAN,
        {
            "stg_customers": customers(
                *every_month("just_in_time", JAN),
                *every_month("a_moment_too_early", JAN),
                *every_month("only_fees", JAN),
                ("joined_3_january", "2025-01-01", "2025-01-03", None, None),
                ("joined_2_january", "2025-01-01", "2025-01-02", None, None),
                ("left_in_january", "2025-01-01", "2020-01-01", None, "2025-01-31"),
            ),
            "stg_transactions": events(
                ("just_in_time", "top_up", "2025-01-02 00:00:00"),
                ("a_moment_too_early", "top_up", "2025-01-01 23:59:59"),
                ("only_fees", "monthly_fee", "2025-01-20 12:00:00"),
                ("left_in_january", "top_up", "2025-01-20 12:00:00"),
            ),
        },
        **INACTIVITY,
    )
    assert sorted(row["customer_id"] for row in found) == ["joined_3_january", "just_in_time"]


def test_silence_of_30_days_is_churn_and_is_known_in_march():
    """The window is 1 February to 2 March, both included: an event on 3 March is too late."""
    names = ("in_time", "too_late", "silent", "left", "left_too_late")
    found = run_model(
        "churn_labels",
        MAR,
        {
            "customer_months": spine(*names),
            "stg_customers": customers(
                *every_month("in_time", FEB, MAR),
                *every_month("too_late", FEB, MAR),
                *every_month("silent", FEB, MAR),
                ("left", "2025-02-01", "2020-01-01", None, "2025-02-10"),
                ("left_too_late", "2025-03-01", "2020-01-01", None, "2025-03-03"),
            ),
            "stg_transactions": events(
                *((name, "top_up", "2025-01-15 00:00:00") for name in names),
                ("in_time", "top_up", "2025-03-02 23:59:59"),
                ("too_late", "top_up", "2025-03-03 00:00:00"),
                ("left", "top_up", "2025-02-05 00:00:00"),
                ("left_too_late", "top_up", "2025-02-05 00:00:00"),
            ),
        },
        label_outcome_months=2,
        **INACTIVITY,
    )
    assert churned(found) == {
        "in_time": False,
        "too_late": True,
        "silent": True,
        "left": True,
        "left_too_late": False,
    }


def test_with_a_gap_who_fell_silent_or_left_within_it_has_no_label():
    """Gap of a month: the window is 1 to 30 March, and one must have been active from 30 January
    on, which is 30 days before.
    """
    names = ("silent_since_january", "silent_since_february", "active", "left_in_gap")
    found = run_model(
        "churn_labels",
        MAR,
        {
            "customer_months": spine(*names),
            "stg_customers": customers(
                *(row for name in names[:3] for row in every_month(name, FEB, MAR)),
                ("left_in_gap", "2025-02-01", "2020-01-01", None, "2025-02-28"),
            ),
            "stg_transactions": events(
                ("silent_since_january", "top_up", "2025-01-29 23:59:59"),
                ("silent_since_february", "top_up", "2025-01-30 00:00:00"),
                ("active", "top_up", "2025-02-20 00:00:00"),
                ("active", "top_up", "2025-03-30 23:59:59"),
                ("left_in_gap", "top_up", "2025-02-20 00:00:00"),
            ),
        },
        label_outcome_months=2,
        label_gap_months=1,
        **INACTIVITY,
    )
    assert churned(found) == {"silent_since_february": True, "active": False}


def test_a_month_that_did_not_land_makes_nobody_a_churner():
    """Without February's files everybody is silent in February; there is no label then."""
    found = run_model(
        "churn_labels",
        MAR,
        {
            "customer_months": spine("ada"),
            "stg_customers": customers(*every_month("ada", MAR)),
            "stg_transactions": events(("ada", "top_up", "2025-01-15 00:00:00")),
        },
        label_outcome_months=2,
        **INACTIVITY,
    )
    assert found == []


NON_RENEWAL = {"label_policy": "non_renewal", "label_days": 30, "label_outcome_months": 3}


def test_who_has_no_running_commitment_is_not_on_the_spine():
    """One that ends on 1 February still runs at as_of."""
    found = run_model(
        "customer_months",
        JAN,
        {
            "stg_customers": customers(
                *every_month("runs", JAN, end="2025-02-01"),
                *every_month("ended", JAN, end="2025-01-31"),
                *every_month("has_none", JAN),
            )
        },
        **NON_RENEWAL,
    )
    assert [row["customer_id"] for row in found] == ["runs"]


def test_a_commitment_that_ends_and_is_not_renewed_is_churn_and_is_known_in_april():
    """The end must be in February; a later end on the record in February, March or April is a
    renewal.
    """
    found = run_model(
        "churn_labels",
        APR,
        {
            "customer_months": spine("lapsed", "renewed", "runs_on", "left"),
            "stg_customers": customers(
                *every_month("lapsed", JAN, FEB, MAR, APR, end="2025-02-28"),
                *every_month("renewed", JAN, FEB, MAR, end="2025-02-28"),
                *every_month("renewed", APR, end="2026-02-28"),
                *every_month("runs_on", JAN, FEB, MAR, APR, end="2025-03-01"),
                *every_month("left", JAN, end="2026-01-01"),
                ("left", "2025-02-01", "2020-01-01", "2026-01-01", "2025-02-28"),
            ),
        },
        **NON_RENEWAL,
    )
    assert churned(found) == {"lapsed": True, "renewed": False, "runs_on": False, "left": True}


def test_a_renewal_by_an_event_must_be_within_the_days():
    """A commitment that ends on 28 February is renewed from that day to 30 March."""
    names = ("on_the_last_day", "in_time", "too_late", "paid_before")
    found = run_model(
        "churn_labels",
        APR,
        {
            "customer_months": spine(*names),
            "stg_customers": customers(
                *(
                    row
                    for name in names
                    for row in every_month(name, JAN, FEB, MAR, APR, end="2025-02-28")
                )
            ),
            "stg_transactions": events(
                ("on_the_last_day", "top_up", "2025-02-28 00:00:00"),
                ("in_time", "top_up", "2025-03-30 23:59:59"),
                ("too_late", "top_up", "2025-03-31 00:00:00"),
                ("paid_before", "top_up", "2025-02-27 23:59:59"),
            ),
        },
        label_events=TOP_UPS,
        **NON_RENEWAL,
    )
    assert churned(found) == {
        "on_the_last_day": False,
        "in_time": False,
        "too_late": True,
        "paid_before": True,
    }


def test_with_a_gap_the_commitment_is_the_one_known_when_the_window_begins():
    """Gap of a month, window March: who renewed in February into March is asked again, and who let
    the commitment go in February has no label.
    """
    found = run_model(
        "churn_labels",
        date(2025, 5, 1),
        {
            "customer_months": spine("renewed_until_march", "let_go"),
            "stg_customers": customers(
                *every_month("renewed_until_march", JAN, end="2025-02-15"),
                *every_month(
                    "renewed_until_march", FEB, MAR, APR, date(2025, 5, 1), end="2025-03-15"
                ),
                *every_month("let_go", JAN, FEB, MAR, APR, date(2025, 5, 1), end="2025-02-15"),
            ),
        },
        **(NON_RENEWAL | {"label_gap_months": 1, "label_outcome_months": 4}),
    )
    assert churned(found) == {"renewed_until_march": True}


@pytest.mark.parametrize(
    ("zone", "label"), [("UTC", True), ("Europe/Berlin", True), ("America/New_York", False)]
)
def test_silence_is_counted_by_the_operators_days(zone, label):
    """Until 3 March 00:00 by the operator's clock: in New York that is 05:00 UTC, in Berlin 23:00
    UTC of the day before.
    """
    found = run_model(
        "churn_labels",
        MAR,
        {
            "customer_months": spine("ada"),
            "stg_customers": customers(*every_month("ada", FEB, MAR)),
            "stg_transactions": events(
                ("ada", "top_up", "2025-01-15 00:00:00"), ("ada", "top_up", "2025-03-03 04:59:59")
            ),
        },
        label_outcome_months=2,
        timezone=zone,
        **INACTIVITY,
    )
    assert churned(found) == {"ada": label}
