"""The proposal is YAML that can be read back, with its doubts as comments."""

import yaml

from churn_platform.connect.likeness import Fit
from churn_platform.connect.looking import SourceColumn, SourceTable
from churn_platform.connect.proposing import ColumnGuess, Guesses, TableGuess
from churn_platform.connect.spec_text import command_of, could_not_place, spec_text
from churn_platform.portfolios.spec import Column, Table

SOURCES = {"crm": {"kind": "sqlite", "path": "crm.db"}}


def column(name: str) -> Column:
    """A column of the contract."""
    return Column.model_validate({"name": name, "type": "string", "description": "x"})


def guess(**more) -> TableGuess:
    """Customers with a key of another name, a mapped status and a gender of one value."""
    status = SourceColumn("zustand", "VARCHAR", ["A"], 1)
    key = SourceColumn("kunde", "VARCHAR", ["K1"], 1)
    names = ("customer_id", "status", "gender")
    columns = [column(name) for name in names]
    given = {
        "table": Table(name="customers", description="x", key="customer_id", columns=columns),
        "source": SourceTable("crm", "table", "kunden", [key, status]),
        "confidence": 0.8,
        "columns": [
            ColumnGuess(columns[0], key, Fit(0.9)),
            ColumnGuess(columns[1], status, Fit(0.7, {"levels": {"A": "active"}})),
            ColumnGuess(columns[2], None, Fit(0.0, {"value": "undisclosed"})),
        ],
        "unplaced": [],
        "period": {"period": "stand"},
        "levels": {},
        "unknown_levels": {},
    }
    return TableGuess(**{**given, **more})


def test_the_text_reads_back_as_what_was_guessed():
    """The short form for a name alone, options beside the name otherwise."""
    text = spec_text("acme_tel", SOURCES, "UTC", Guesses([guess()], []), "churn connect acme_tel")
    given = yaml.safe_load(text)
    assert (given["title"], given["sources"]) == ("Acme tel", SOURCES)
    (table,) = given["tables"]
    assert table["from"] == {
        "source": "crm",
        "table": "kunden",
        "period": "stand",
        "columns": {
            "customer_id": "kunde",
            "status": {"column": "zustand", "levels": {"A": "active"}},
            "gender": {"value": "undisclosed"},
        },
    }


def test_a_guess_has_its_confidence_behind_it():
    """What was not found is a comment at the end."""
    text = spec_text("acme", SOURCES, "UTC", Guesses([guess()], ["cdr"]), "churn connect acme")
    assert "customer_id: kunde  # 90%" in text
    assert "# Not found, and left out with their features: cdr" in text


def test_what_a_person_has_to_decide_is_said():
    """Columns and levels without a place, and a table that no column dates."""
    said = could_not_place(
        guess(unplaced=["age_group"], unknown_levels={"status": ["Q", "R"]}, period={})
    )
    assert said == [
        "could not place age_group: add its column",
        "could not place Q, R of status: add them under its levels",
        "no column tells the month: only the newest complete month can be read",
    ]


def test_the_command_can_be_given_to_a_shell():
    """UTC need not be said."""
    assert command_of("a", ["x=my files"], "UTC") == "churn connect a --source 'x=my files'"
    assert command_of("a", [], "Europe/Berlin") == "churn connect a --timezone Europe/Berlin"
