"""The words are about columns, levels and units that exist."""

from datetime import datetime
from pathlib import Path

import pytest

from churn_platform.connect.vocabulary import COLUMNS, FIXED, TABLES, TIME_PATTERNS, UNITS, UNKNOWN
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.units import factor_of


@pytest.fixture(scope="module")
def recipe():
    """The recipe that the words are for."""
    return load_portfolios(Path("none"))["telecomit"]


def test_every_word_is_about_a_part_of_the_recipe(recipe):
    """A column that is renamed there takes its words along."""
    tables = {table.name for table in recipe.tables}
    columns = {column.name for table in recipe.tables for column in table.columns}
    assert set(TABLES) <= tables
    assert {*COLUMNS, *FIXED, *UNKNOWN} <= columns


def test_what_stands_for_unknown_is_a_level_of_its_column(recipe):
    """Else the proposal would be refused."""
    customers = recipe.table("customers")
    for name, level in UNKNOWN.items():
        assert level in customers.column(name).levels


def test_every_unit_fits_a_kind_of_column():
    """Of money, time or volume."""
    kinds = ("amount_eur", "duration_s", "data_mb")
    for unit in set(UNITS.values()):
        factors = [factor_of(name, unit) for name in kinds]
        assert any(factors), unit


@pytest.mark.parametrize("pattern", TIME_PATTERNS)
def test_a_pattern_reads_what_it_writes(pattern):
    """Without the day another month would be read."""
    at = datetime(2026, 5, 31)
    assert datetime.strptime(f"{at:{pattern}}", pattern) == at
