"""A spec that names a recipe says what is the operator's own; what has no table is left out."""

from pathlib import Path

import pytest
import yaml

from churn_platform.errors import SpecError
from churn_platform.portfolios.loader import load_portfolios, read_portfolio
from churn_platform.portfolios.spec import Portfolio

OWN = {
    "name": "acme",
    "title": "Acme",
    "kind": "events",
    "recipe": "telecomit",
    "tables": [
        {"name": "customers", "levels": {"region": ["north", "south"]}},
        {"name": "transactions"},
    ],
}


def read(folder: Path, given: dict) -> Portfolio:
    """The portfolio of a spec."""
    path = folder / "acme.yaml"
    path.write_text(yaml.safe_dump(given))
    return read_portfolio(path)


def test_what_has_no_table_is_left_out_and_told(tmp_path):
    """Only customers and one table of events are needed; the rest of the recipe stays in order."""
    acme = read(tmp_path, OWN)
    whole = load_portfolios(tmp_path / "none")["telecomit"]
    made_of = {"customers", "transactions"}
    assert acme.feature_names == [it.name for it in whole.features if it.table in made_of]
    assert "tenure_days" in acme.feature_names and "frequency" in acme.feature_names
    assert acme.left_out.tables == ("cdr", "support_tickets", "app_usage")
    assert set(acme.left_out.features) == set(whole.feature_names) - set(acme.feature_names)
    assert str(acme.left_out).startswith("without cdr, support_tickets, app_usage: no calls_")
    assert not whole.left_out


def test_tables_that_may_be_missing_stay(tmp_path):
    """So that people can land preferences and contacts of a campaign."""
    names = [table.name for table in read(tmp_path, OWN).tables]
    assert names == ["customers", "transactions", "contact_preferences", "campaign_contacts"]


def test_levels_are_the_operators_own(tmp_path):
    """In the contract and in the catalogue alike."""
    acme = read(tmp_path, OWN)
    assert acme.table("customers").column("region").levels == ("north", "south")
    assert acme.feature("region").levels == ("north", "south")


@pytest.mark.parametrize("names", [["customers"], ["transactions", "cdr"]])
def test_too_few_tables_are_refused(tmp_path, names):
    """Customers without events, and events without customers."""
    given = {**OWN, "tables": [{"name": name} for name in names]}
    with pytest.raises(SpecError, match="the table customers and one table of events"):
        read(tmp_path, given)


def test_an_unknown_recipe_is_named(tmp_path):
    """With one that there is."""
    with pytest.raises(SpecError, match="none called 'telekom'; try telecomit"):
        read(tmp_path, {**OWN, "recipe": "telekom"})
