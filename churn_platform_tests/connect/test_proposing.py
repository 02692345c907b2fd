"""The best pairs of tables and columns are chosen, and what is left over is named."""

from functools import cache
from pathlib import Path

import pytest

from churn_platform.connect.looking import SourceColumn, SourceTable
from churn_platform.connect.proposing import Guesses, guesses
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Portfolio


def table(place: str, **values: list) -> SourceTable:
    """A table of text with these values."""
    columns = []
    for name, given in values.items():
        columns.append(SourceColumn(name, "VARCHAR", given, len(given)))
    return SourceTable("crm", "table", place, columns)


def customers(**more: list) -> SourceTable:
    """The table of customers of an operator."""
    given = {
        "month": ["202605", "202605", "202605"],
        "subscriber_id": ["S1", "S2", "S3"],
        "msisdn": ["+491510000001", "+491510000002", "+491510000003"],
        "activation_date": ["2020-01-01", "2021-01-01", "2022-01-01"],
        "status": ["active", "active", "churned"],
        "price": ["10", "20", "30"],
        **more,
    }
    return table("subscribers", **given)


@cache
def recipe() -> Portfolio:
    """The recipe that ships: read once, since no test changes it."""
    return load_portfolios(Path("none"))["telecomit"]


def found(*tables: SourceTable) -> Guesses:
    """What is proposed for the tables."""
    return guesses(recipe(), tables)


def test_a_table_that_is_for_nothing_is_left_over():
    """And the recipe's tables that no source has are missing."""
    hours = table("opening_hours", shop=["Ulm"], opens=["09:00"])
    proposed = found(hours, customers())
    assert [guess.table.name for guess in proposed.tables] == ["customers"]
    assert proposed.leftover == [hours]
    assert "cdr" in proposed.missing and "customers" not in proposed.missing


def test_each_column_is_used_once():
    """A column that would do for two of the contract goes where it does most."""
    (guess,) = found(customers()).tables
    placed = {it.column.name: it.source.name for it in guess.columns if it.source}
    assert placed["customer_id"] == "subscriber_id"
    assert placed["phone_number"] == "msisdn"
    assert placed["plan_monthly_eur"] == "price"
    assert len(set(placed.values())) == len(placed)


@pytest.mark.parametrize(
    ("months", "form"),
    [
        (["202605"] * 3, "%Y%m"),
        (["2026-05"] * 3, "%Y-%m"),
        (["31.05.2026"] * 3, "%d.%m.%Y"),
        (["20260531"] * 3, "%Y%m%d"),
    ],
)
def test_the_month_of_a_row_is_found_with_its_format(months, form):
    """By the column whose name says so."""
    (guess,) = found(customers(month=months)).tables
    assert guess.period == {"period": "month", "period_format": form}


def test_a_gender_that_no_one_records_is_the_same_for_all():
    """It may stay unknown; what else is required has to be placed by a person."""
    (guess,) = found(customers()).tables
    same = {it.column.name: it.fit.options for it in guess.columns if it.source is None}
    assert same == {"gender": {"value": "undisclosed"}}
    assert "payment_method" in guess.unplaced


def test_a_column_for_nothing_is_unused():
    """The one that tells the month is used."""
    (guess,) = found(customers(shoe_size=["40", "41", "42"])).tables
    assert guess.unused == ["shoe_size"]


def test_a_level_that_the_recipe_names_is_for_a_person():
    """The recipe's statements know its levels alone; elsewhere an operator has its own."""
    known = ["active", "churned", "qq"]
    (guess,) = found(customers(status=known, region=["Ulm", "Bonn", "Kiel"])).tables
    assert guess.unknown_levels == {"status": ["qq"]}
    assert guess.levels == {"region": ["Bonn", "Kiel", "Ulm"]}


def test_a_month_that_is_told_by_a_full_day_is_no_other_day():
    """DuckDB reads the day by itself; it is not taken for one that the contract wants."""
    (guess,) = found(customers(month=["2026-05-31"] * 3)).tables
    assert guess.period == {"period": "month"}
    assert "month" not in {it.source.name for it in guess.columns if it.source}


def test_tables_of_one_name_are_two():
    """In two sources: the one that is not used is left over."""
    here = customers()
    there = SourceTable("old_crm", "table", here.place, here.columns[-1:])
    proposed = found(here, there)
    assert proposed.leftover == [there]


def test_a_few_values_that_cannot_be_read_are_set_aside():
    """A strange number or level in one row of a hundred is no reason to ask a person."""
    rows = 100
    payments = table(
        "payments",
        payment_id=[f"P{number}" for number in range(rows)],
        subscriber_id=["S1"] * rows,
        paid_at=["2026-05-03 10:00:00"] * rows,
        kind=["fee"] * (rows - 1) + ["#"],
        amount=["10"] * (rows - 1) + ["n/a"],
        days_late=["0"] * rows,
        failed=["0", "1"] * (rows // 2),
    )
    _, guess = found(customers(), payments).tables
    assert guess.has_dirt and guess.unread == pytest.approx(0.01)
    assert guess.unknown_levels == {}
