"""Months, days and hours by the operator's own clock, on rows worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from churn_platform.months import today_in
from churn_platform_tests.support.dbt_sql import render, run_model

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
SPINE = "select 'ada' as customer_id, date '{month}' as month"
RECORD = (
    "select *, 'ada' as customer_id, 'voice' as record_type, 60 as duration_s, 0.0 as data_mb, "
    "true as is_outgoing, false as is_international, false as is_dropped, "
    "1::ubigint as contact_number_hash from (values {rows}) as given(month, started_at)"
)


def used(month: date, zone: str, *records: tuple[str, str]) -> dict[str, Any]:
    """One customer's use of the network in a month, by calls: landed month and time in UTC."""
    rows = ", ".join(f"(date '{landed}', timestamp '{at}')" for landed, at in records)
    (row,) = run_model(
        "int_usage_30d",
        month,
        {
            "customer_months": SPINE.format(month=month),
            "stg_cdr": RECORD.format(rows=rows),
        },
        timezone=zone,
    )
    return row


@pytest.mark.parametrize(
    ("zone", "first", "end"),
    [
        ("UTC", "2025-03-02 00:00:00", "2025-04-01 00:00:00"),
        # Summer time began on 30 March: the window opens in winter time and closes in summer time.
        (BERLIN, "2025-03-01 23:00:00", "2025-03-31 22:00:00"),
        # There it began on 9 March, and midnight is later than in UTC.
        (NEW_YORK, "2025-03-02 05:00:00", "2025-04-01 04:00:00"),
        # Half an hour, and never summer time.
        ("Asia/Kolkata", "2025-03-01 18:30:00", "2025-03-31 18:30:00"),
    ],
)
def test_thirty_days_are_those_of_the_operator(zone, first, end):
    """From midnight 30 days before 1 April to the midnight that begins it, both by its clock: the
    first instant counts, the one before and the end do not.
    """
    moments = [_second_before(first), first, _second_before(end), end]
    found = used(date(2025, 3, 1), zone, *(("2025-03-01", at) for at in moments))
    assert (found["calls"], found["active_days"]) == (2, 2)


def _second_before(at: str) -> str:
    return str(datetime.fromisoformat(at) - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("zone", "calls"), [("UTC", 2), (BERLIN, 1), (NEW_YORK, 2), ("Pacific/Auckland", 0)]
)
def test_peak_hours_are_those_of_the_operator(zone, calls):
    """Calls at 12:30 and 19:30 UTC, of which those between 8 and 20 o'clock count."""
    found = used(
        date(2025, 4, 1),
        zone,
        # 14:30 in Berlin, 08:30 in New York, 00:30 of the next day in Auckland
        ("2025-04-01", "2025-04-10 12:30:00"),
        # 21:30 in Berlin, 15:30 in New York, 07:30 of the next day in Auckland
        ("2025-04-01", "2025-04-10 19:30:00"),
    )
    assert found["peak_hour_calls"] == calls


def test_days_to_as_of_are_days_of_the_clock():
    """From midnight of 1 October to midnight of 1 November are 31 days in Berlin, though summer
    time ended and 31 times 24 hours and one have gone by: a range of 31 holds.
    """
    october = date(2025, 10, 1)
    days = render("{{ days_to_as_of('used_at') }}", october, timezone=BERLIN)
    assert _value(f"select {days} from (select timestamp '2025-09-30 22:00:00' as used_at)") == 31
    assert _value(f"select {days} from (select timestamp '2025-10-31 22:59:59' as used_at)") > 0


@pytest.mark.parametrize("zone", ["UTC", BERLIN, NEW_YORK])
def test_a_day_of_leaving_is_compared_with_days(zone):
    """Who leaves on the first day after the month is on its spine in every zone; who left on its
    last day is not.
    """
    customer = (
        "select *, date '2025-03-01' as month, date '2020-01-01' as signup_date, "
        "null::date as contract_end_date, 'prepaid' as contract_type, 'cash' as payment_method, "
        "'65+' as age_group, 'male' as gender, 'south' as region, 9.0 as plan_monthly_eur "
        "from (values ('left_on_the_last_day', date '2025-03-31'), "
        "('leaves_on_the_first_after', date '2025-04-01')) as given(customer_id, churn_date)"
    )
    rows = run_model(
        "customer_months", date(2025, 3, 1), {"stg_customers": customer}, timezone=zone
    )
    assert [row["customer_id"] for row in rows] == ["leaves_on_the_first_after"]


def test_the_day_of_an_operator_may_be_another():
    """At 3 o'clock UTC of the first it is still the last of the month in New York."""
    now = datetime(2025, 4, 1, 3, tzinfo=UTC)
    assert today_in(NEW_YORK, now) == date(2025, 3, 31)
    assert today_in("Asia/Tokyo", now) == today_in("UTC", now) == date(2025, 4, 1)


def _value(query: str) -> Any:
    row = duckdb.execute(query).fetchone()
    assert row is not None
    return row[0]
