"""The dbt project on literal rows: what a feature counts, what it must not know, and when a label
matures.
"""

from datetime import date, datetime
from typing import Any

import pytest

from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.literal_world import (
    ADA_IN_FEBRUARY,
    FEB,
    JAN,
    MAR,
    NOV,
    ROWS,
    customer,
    payment,
    record,
    session,
    ticket,
)
from churn_platform_tests.support.tiny_lake import TinyLake

TABLES = (
    "customer_months",
    "int_payments_monthly",
    "int_usage_30d",
    "int_app_30d",
    "features_rfm",
    "features_usage",
    "features_support",
    "features_app",
    "customer_features",
    "churn_labels",
)


def features(lake: TinyLake, name: str, month: date = FEB) -> dict[str, Any]:
    """The features of one customer in one month."""
    query = (
        "select * exclude (customer_id, month) from telecomit.customer_features "
        f"where customer_id = '{name}'"
    )
    (row,) = lake.rows(f"{query} and month = date '{month}'")
    return row


def labels(lake: TinyLake, month: date) -> dict[tuple[str, date], bool]:
    """Who left in the month, by customer and month of the features."""
    found = lake.rows(f"select * from telecomit.churn_labels where month = date '{month}'")
    return {(row["customer_id"], row["features_month"]): row["churned"] for row in found}


def contents(lake: TinyLake) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table that dbt builds."""
    return {
        table: lake.rows(f"select * from telecomit.{table} order by customer_id, month")
        for table in TABLES
    }


def test_every_feature_equals_its_value_computed_by_hand(world):
    """Each of the 45 features of ada, whose events lie on both sides of every window's edge."""
    assert features(world, "ada") == pytest.approx(ADA_IN_FEBRUARY)


def test_features_stand_in_catalogue_order(world):
    """Python reads vectors by position, so the table's order is the catalogue's."""
    assert list(features(world, "ada")) == world.portfolio.feature_names


def test_customer_without_events_has_zeros_or_nulls(world):
    """A customer who did nothing is scored all the same: counts are zero, ratios and recencies
    unknown.
    """
    ben = features(world, "ben")
    unknown = {name for name, value in ben.items() if value is None}
    counts = {
        "frequency",
        "calls_count_30d",
        "data_usage_gb_30d",
        "support_tickets_90d",
        "app_sessions_30d",
    }
    assert unknown == {feature.name for feature in world.portfolio.features if feature.nullable}
    assert {ben[name] for name in counts} == {0}
    assert (ben["tenure_days"], ben["is_out_of_contract"]) == (9, False)


def test_equal_payments_deviate_by_exactly_zero(world):
    """Sums of squares cancel without rounding error: three payments of 29.99 have no deviation."""
    cleo = features(world, "cleo")
    assert (cleo["frequency"], cleo["monetary_std"]) == (3, 0.0)


def test_trend_compares_only_months_in_which_the_customer_was_there(world):
    """In December ada's past is November alone: no payments are made up for months before the data
    begin.
    """
    assert features(world, "ada", date(2024, 12, 1))["activity_trend"] == 0.0


def test_spine_has_who_is_active_at_the_end_of_the_month(world):
    """dan left on 1 February: on January's spine, not on February's."""
    spine = world.rows(
        "select customer_id, month from telecomit.customer_months where month >= date '2025-01-01'"
    )
    members = {
        month: {row["customer_id"] for row in spine if row["month"] == month}
        for month in (JAN, FEB, MAR)
    }
    assert members == {
        JAN: {"ada", "cleo", "dan"},
        FEB: {"ada", "ben", "cleo"},
        MAR: {"ada", "ben"},
    }


def test_label_belongs_to_the_month_before_and_stands_in_the_month_of_the_outcome(world):
    """Leaving on the first or the last day of a month is leaving in that month."""
    assert labels(world, FEB) == {("ada", JAN): False, ("cleo", JAN): False, ("dan", JAN): True}
    assert labels(world, MAR) == {("ada", FEB): False, ("ben", FEB): False, ("cleo", FEB): True}


def test_first_month_has_no_labels(world):
    """A label needs the spine of the month before."""
    assert labels(world, NOV) == {}


def test_gap_moves_features_back_and_drops_who_left_within_it(new_lake):
    """With a gap of one month, January's features meet March's outcome; dan, who left in February,
    has no label.
    """
    lake = new_lake()
    lake.add({"customers": [row for row in ROWS["customers"] if row[0] in (JAN, FEB, MAR)]})
    chosen = (
        "--select",
        "stg_customers",
        "customer_months",
        "churn_labels",
        "--vars",
        "{label_gap_months: 1, label_outcome_months: 2}",
    )
    lake.build_tables(JAN, date(2025, 4, 1), *chosen)
    assert labels(lake, MAR) == {("ada", JAN): False, ("cleo", JAN): True}


def test_running_months_again_changes_nothing(world):
    """Re-running months gives the same rows, digit for digit, and leaves the other months alone."""
    before = contents(world)
    world.build_tables(JAN, MAR)
    assert contents(world) == before


@invariant("Time and data", "No event at or after `as_of` moves a feature.")
def test_nothing_at_or_after_as_of_moves_a_feature(world, new_lake):
    """Events from 1 March 00:00 on, in any table, and what became of a ticket later leave February
    as it was.
    """
    first_of_march = datetime(2025, 3, 1)
    lake = new_lake()
    lake.add(
        ROWS | {"support_tickets": [_as_resolved_later(row) for row in ROWS["support_tickets"]]}
    )
    lake.add(
        {
            "transactions": [payment(90, "ada", first_of_march, 99.0, late=9, failed=True)],
            "cdr": [
                record(90, first_of_march, "voice", contact=90, seconds=9),
                record(91, first_of_march, "data", mb=9),
            ],
            "support_tickets": [
                ticket(90, first_of_march, "complaint", first_of_march, first_of_march)
            ],
            "app_usage": [session(90, first_of_march, 9, "cancellation")],
        }
    )
    lake.build_tables(NOV, MAR)
    query = (
        "select * from telecomit.customer_features where month = date '2025-02-01' "
        "order by customer_id"
    )
    assert lake.rows(query) == world.rows(query)


def _as_resolved_later(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The ticket with a different fate, where its fate lies in March."""
    *kept, _, resolved = row
    still_open = resolved is not None and resolved >= datetime(2025, 3, 1)
    return (*kept, datetime(2025, 3, 9), datetime(2025, 3, 10)) if still_open else row


@invariant(
    "Time and data", "An event before `as_of` does move a feature, so the test above can fail."
)
def test_event_before_as_of_does_move_a_feature(world, new_lake):
    """The test above can fail: the same payment one microsecond earlier is counted."""
    lake = new_lake()
    lake.add(
        ROWS
        | {"transactions": [payment(90, "ada", datetime(2025, 2, 28, 23, 59, 59, 999999), 99.0)]}
    )
    lake.build_tables(FEB, MAR)
    assert (
        features(lake, "ada")["recent_monetary"]
        == 99.0
        != features(world, "ada")["recent_monetary"]
    )


def test_customer_who_vanishes_from_the_feed_stops_the_build(new_lake):
    """Missing from the next month's file without a churn date is a broken feed: no label, and no
    features are built.
    """
    lake = new_lake()
    lake.add({"customers": [customer(JAN, "ada"), customer(JAN, "eve"), customer(FEB, "ada")]})
    outcome = lake.build(JAN, MAR)
    assert outcome["spine_customers_appear_next_month"] == "fail"
    assert outcome["churn_labels"] == outcome["customer_features"] == "skipped"


def test_churn_dates_that_come_empty_stop_the_build(new_lake):
    """Everybody who left would be a customer who stays."""
    lake = new_lake()
    lake.add({"customers": [customer(JAN, "ada"), customer(JAN, "eve", status="churned")]})
    outcome = lake.build(JAN, FEB)
    assert outcome["churned_customers_have_a_churn_date"] == "fail"
    assert outcome["customer_months"] == outcome["customer_features"] == "skipped"


def test_unit_tests_of_the_project_pass(world):
    """dbt's own unit tests, in their literal rows, hold; there are some."""
    statuses = world.run_unit_tests()
    assert len(statuses) >= 3
    assert set(statuses.values()) == {"pass"}
