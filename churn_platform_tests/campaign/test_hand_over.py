"""Whether a list is handed over, and what its readers are told."""

from churn_platform.campaign.contact_list import COLUMNS, replace_contact_list
from churn_platform.campaign.export import export_contact_list
from churn_platform.campaign.hand_over import HELD, KEPT, hand_over_of
from churn_platform.campaign.outcome_table import find_outcome
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.campaign.conftest import add_scores, with_campaign
from churn_platform_tests.campaign.test_export import read_csv
from churn_platform_tests.campaign.test_outcome_table import campaign, contact, mature
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY

PORTFOLIO = with_campaign(control_share=0.05)
__all__ = ["campaign"]


def test_a_list_says_whose_model_made_it(connection, tmp_path):
    """In the CSV and on the page beside it."""
    add_scores(connection, {"A": 0.9})
    replace_contact_list(connection, PORTFOLIO, JANUARY)
    folder = export_contact_list(connection, PORTFOLIO, JANUARY, tmp_path)
    (row,) = read_csv(folder)
    assert row["list_status"] == "handed over, made by model version 3"
    assert (
        "The list is handed over, made by model version 3." in (folder / "columns.md").read_text()
    )


def test_a_list_kept_under_another_champion_says_so(connection, tmp_path):
    """Version 4 scores the month now; the list is still version 3's."""
    add_scores(connection, {"A": 0.9})
    replace_contact_list(connection, PORTFOLIO, JANUARY)
    connection.execute("update tiny.monthly_scores set model_version = 4")
    replace_contact_list(connection, PORTFOLIO, JANUARY, is_handed_over=True)
    found = hand_over_of(connection, PORTFOLIO, JANUARY)
    assert (found.state, found.version) == (KEPT, 3)
    (row,) = read_csv(export_contact_list(connection, PORTFOLIO, JANUARY, tmp_path))
    assert row["list_status"] == (
        "kept as handed over, made by model version 3; version 4 scores the month now"
    )


@invariant("Campaign", "A list that is held back is made again by the next champion.")
def test_a_list_that_is_held_back_is_made_again(connection):
    """Nobody has it, so the draw may change; then it is handed over."""
    add_scores(connection, {"A": 0.9, "B": 0.6})
    replace_contact_list(connection, PORTFOLIO, JANUARY, held_because="it's broken")
    found = hand_over_of(connection, PORTFOLIO, JANUARY)
    assert (found.state, found.words) == (
        HELD,
        "held back, made by model version 3: it's broken",
    )
    connection.execute(
        "update tiny.monthly_scores set model_version = 4, "
        "churn_probability = if(customer_id = 'A', 0.1, 0.9)"
    )
    replace_contact_list(connection, PORTFOLIO, JANUARY)
    assert hand_over_of(connection, PORTFOLIO, JANUARY).words == (
        "handed over, made by model version 4"
    )
    listed = connection.execute("select customer_id from tiny.contact_list").fetchall()
    assert listed == [("B",)]


def test_a_list_that_was_handed_over_is_not_held_back_later(connection):
    """It is in use; taking it back would lose the record of the draw."""
    add_scores(connection, {"A": 0.9})
    replace_contact_list(connection, PORTFOLIO, JANUARY)
    replace_contact_list(connection, PORTFOLIO, JANUARY, is_handed_over=True, held_because="late")
    assert hand_over_of(connection, PORTFOLIO, JANUARY).state != HELD


def test_a_list_from_before_has_no_mark(connection):
    """Its table lacks the column; the list was handed over."""
    older = {name: kind for name, kind in COLUMNS.items() if name != "held_because"}
    ensure_table(connection, "tiny.contact_list", older)
    connection.execute(
        "insert into tiny.contact_list (month, model_version) values (?, 2)", [JANUARY]
    )
    assert hand_over_of(connection, PORTFOLIO, JANUARY).words == (
        "handed over, made by model version 2"
    )


def test_a_list_that_was_held_back_has_no_outcome(campaign):
    """Contacts of that month were not made by it, and prove nothing."""
    campaign.execute("update tiny.contact_list set held_because = 'broken'")
    contact(campaign, 380)
    mature(campaign, control_left=12)
    assert find_outcome(campaign, PORTFOLIO, FEBRUARY) == []


def test_an_empty_list_is_handed_over(connection):
    """A month in which no contact is worth its cost."""
    add_scores(connection, {"A": 0.01})
    replace_contact_list(connection, PORTFOLIO, JANUARY)
    assert hand_over_of(connection, PORTFOLIO, JANUARY).words == (
        "handed over; it names no customer"
    )
