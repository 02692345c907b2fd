"""How alike two columns are follows from their names, types and values."""

import pytest

from churn_platform.connect.likeness import (
    Fit,
    column_fit,
    level_mapping,
    name_likeness,
    table_likeness,
)
from churn_platform.connect.looking import SourceColumn, SourceTable
from churn_platform.portfolios.spec import Column, Table


def fit(
    name: str, values: list, column: Column, *, sql_type: str = "VARCHAR", is_key: bool = False
) -> Fit | None:
    """The fit of a column with these values."""
    source = SourceColumn(name, sql_type, values, len(values))
    return column_fit(source, column, is_key=is_key)


def column(name: str, kind: str, **more) -> Column:
    """A column of the contract."""
    return Column.model_validate({"name": name, "type": kind, "description": "x", **more})


def test_a_unit_at_the_end_of_a_name_is_no_part_of_it():
    """Words in another order, or written together, are the same name."""
    assert name_likeness("duration_min", "duration") == 1
    assert name_likeness("DateChurn", "churn_date") > 0.8
    assert name_likeness("shoe_size", "churn_date") < 0.5


def test_a_table_is_known_by_a_word_for_it():
    """In the plural and in German, too."""
    table = Table.model_validate(
        {
            "name": "customers",
            "description": "x",
            "key": "id",
            "columns": [{"name": "id", "type": "string", "description": "x"}],
        }
    )
    assert table_likeness(SourceTable("crm", "table", "main.Kunde", ()), table) == 1
    assert table_likeness(SourceTable("crm", "table", "subscribers", ()), table) == 1
    assert table_likeness(SourceTable("crm", "table", "shop_hours", ()), table) < 0.6


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (["2026-05-01 10:00:00"], {}),
        (["31.05.2026"], {"format": "%d.%m.%Y"}),
        (["20260531"], {"format": "%Y%m%d"}),
        (["20260531100000"], {"format": "%Y%m%d%H%M%S"}),
        (["1777629600000"], {"format": "epoch_milliseconds"}),
        (["1777629600"], {"format": "epoch_seconds"}),
    ],
)
def test_the_format_of_a_time_is_found(values, options):
    """ISO needs none."""
    found = fit("started_at", values, column("started_at", "timestamp"))
    assert found is not None and found.options == options


def test_what_is_no_time_fits_no_time():
    """However alike the names are."""
    assert fit("started_at", ["often"], column("started_at", "timestamp")) is None


def test_a_unit_and_a_decimal_comma_are_options_of_a_number():
    """The contract's own unit is none."""
    amount = column("amount_eur", "number")
    cents = fit("amount_ct", [1999, 5], amount, sql_type="INTEGER")
    assert cents is not None and cents.options == {"unit": "cents"}
    euros = fit("amount_eur", ["1.234,50"], amount)
    assert euros is not None and euros.options == {"decimal": ","}
    assert fit("amount", ["much"], amount) is None


def test_two_words_for_yes_and_no_are_mapped():
    """Those that ingest reads by itself are not; a third value makes it no boolean."""
    failed = column("is_failed", "boolean")
    german = fit("failed", ["J", "N"], failed)
    assert german is not None and german.options == {"levels": {"J": "true", "N": "false"}}
    plain = fit("failed", ["0", "1"], failed)
    assert plain is not None and plain.options == {}
    strange = fit("failed", ["J", "9"], failed)
    assert strange is not None and strange.unknown == ("J", "9")
    assert fit("failed", ["J", "N", "?"], failed) is None


def test_a_key_has_another_value_in_every_row():
    """One that repeats is hardly a key."""
    key = column("customer_id", "string")
    unique = fit("customer_id", ["a", "b"], key, is_key=True)
    repeated = fit("customer_id", ["a", "a"], key, is_key=True)
    assert unique is not None and repeated is not None
    assert unique.confidence == 1 and repeated.confidence < 0.7


def test_a_code_of_a_letter_needs_a_word_that_is_listed():
    """Longer words may differ by a letter; what no one knows is handed back."""
    found, unknown = level_mapping(["A", "canceled", "Z"], ("active", "churned"))
    assert found == {"A": "active", "canceled": "churned"}
    assert unknown == ["Z"]
