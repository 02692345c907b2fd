"""A spec is proposed for tables that no one has described, and a month is tried with it."""

import pytest
import yaml

from churn_platform.connect.connect import connect_operator
from churn_platform.errors import SpecError


def test_tables_and_columns_are_placed(made):
    """By name, type and values, with units, levels, booleans and formats."""
    given = yaml.safe_load(made.path.read_text())
    tables = {table["name"]: table for table in given["tables"]}
    assert set(tables) == {"customers", "cdr"}
    customers = tables["customers"]["from"]
    assert (customers["table"], customers["period"]) == ("kunden", "stand")
    assert customers["period_format"] == "%Y-%m"
    assert customers["columns"] == {
        "customer_id": "kundennummer",
        "phone_number": "rufnummer",
        "signup_date": {"column": "activated", "format": "%d.%m.%Y"},
        "status": {"column": "zustand", "levels": {"A": "active", "X": "churned"}},
        "churn_date": {"column": "kuendigungsdatum", "format": "%d.%m.%Y"},
        "contract_type": {
            "column": "tarif_typ",
            "levels": {
                "PRE": "prepaid",
                "M2M": "month_to_month",
                "12M": "one_year",
                "24M": "two_year",
            },
        },
        "contract_end_date": "laufzeit_ende",
        "payment_method": {
            "column": "zahlungsart",
            "levels": {"SEPA": "direct_debit", "CC": "credit_card"},
        },
        "age_group": "altersgruppe",
        "gender": {"value": "undisclosed"},
        "region": "bundesland",
        "plan_monthly_eur": {"column": "grundgebuehr_ct", "unit": "cents"},
    }
    assert tables["customers"]["levels"] == {"region": ["Bayern", "Hessen", "Sachsen"]}
    calls = tables["cdr"]["from"]["columns"]
    assert calls["duration_s"] == {"column": "dauer_min", "unit": "minutes"}
    assert calls["data_mb"] == {"column": "volume_kb", "unit": "kb"}
    assert calls["record_type"]["levels"] == {"V": "voice", "T": "sms", "D": "data"}
    assert calls["is_outgoing"]["levels"] == {"N": "false", "J": "true"}


def test_times_without_a_zone_are_the_operators_own(made):
    """Of each source, where a person can say otherwise."""
    given = yaml.safe_load(made.path.read_text())
    assert given["sources"]["crm"]["timezone"] == given["timezone"] == "Europe/Berlin"


def test_what_could_not_be_placed_is_listed(made):
    """Tables and columns on either side, and guesses with their confidence."""
    text = made.path.read_text()
    assert "# not used: shoe_size" in text
    assert "# Not used: shop_opening_hours of crm" in text
    assert "left out with their features: transactions, support_tickets, app_usage" in text
    assert "customer_id: kundennummer  # " in text
    assert made.portfolio.left_out.tables == ("transactions", "support_tickets", "app_usage")


def test_a_name_that_is_taken_is_refused(made, database, resources):
    """Nothing that a person has corrected is written over."""
    with pytest.raises(SpecError, match="replace it with --overwrite"):
        connect_operator(
            "acme",
            [f"crm={database}"],
            portfolios_dir=made.path.parent,
            resources=resources,
        )
