"""Which of two lists earns more, by a draw where they differ."""

import pytest

from churn_platform.campaign.contact_list import replace_contact_list
from churn_platform.experiments.lists import draws, find_lists, replace_draw
from churn_platform.months import shift
from churn_platform.published.assignment import placing
from churn_platform_tests.campaign.conftest import add_scores, with_campaign
from churn_platform_tests.experiments.lake_rows import (
    SLICE,
    add_arm_scores,
    add_contacts,
    add_labels,
    state_of,
)
from churn_platform_tests.support.tiny import JANUARY

FEBRUARY = shift(JANUARY, 1)
PORTFOLIO = with_campaign(capacity=20, control_share=0)
CUSTOMERS = [f"C{number:02d}" for number in range(40)]


@pytest.fixture
def state():
    """In the slice, with lists."""
    asked = {"primary_metric": "list_profit_eur", "smallest_effect": 20, "most_months": 1}
    return state_of(SLICE, lists=True, **asked)


@pytest.fixture
def drawn(connection, state):
    """The control lists the first 20 of 40 customers, the challenger the last; all were drawn."""
    scores = {name: (0.9 - place / 100, 0.5 + place / 100) for place, name in enumerate(CUSTOMERS)}
    add_scores(connection, {name: control for name, (control, _) in scores.items()})
    add_arm_scores(connection, JANUARY, scores)
    assert replace_draw(connection, PORTFOLIO, state, JANUARY) == 40
    rows = connection.execute("select customer_id, drawn_to from tiny.experiment_draw").fetchall()
    return dict(rows)


def test_the_draw_is_the_hash_that_splits_the_traffic(drawn, state):
    """Who lies in the lower half is drawn to the challenger's list, now and on any host."""
    place = placing(state.salt)
    assert drawn == {name: "challenger" if place(name) < 0.5 else "control" for name in CUSTOMERS}


def test_the_list_that_is_handed_over_is_the_one_of_the_draw(connection, drawn):
    """Of the first 20 those drawn to the control, of the last those drawn to the challenger."""
    replace_contact_list(connection, PORTFOLIO, JANUARY)
    rows = connection.execute("select customer_id from tiny.contact_list").fetchall()
    expected = {name for name in CUSTOMERS[:20] if drawn[name] == "control"}
    expected |= {name for name in CUSTOMERS[20:] if drawn[name] == "challenger"}
    assert {name for (name,) in rows} == expected


def test_what_came_of_it_counts_by_the_list_drawn(connection, drawn, state):
    """Everybody drawn to the control left, all others stayed: 180 EUR less 5 for a contact."""
    contacted = [name for name in CUSTOMERS[:20] if drawn[name] == "control"]
    contacted += [name for name in CUSTOMERS[20:] if drawn[name] == "challenger"]
    add_contacts(connection, FEBRUARY, contacted)
    add_labels(connection, JANUARY, {name: drawn[name] == "control" for name in CUSTOMERS})
    row = find_lists(connection, PORTFOLIO, state, FEBRUARY)
    of_control = [name for name in CUSTOMERS if drawn[name] == "control"]
    cost = 5 * row["contacted_control"] / len(of_control)
    assert row["control_net_eur"] == pytest.approx(-cost)
    assert (row["drawn"], row["drawn_to_control"]) == (40, len(of_control))
    assert row["difference"] == pytest.approx(row["challenger_net_eur"] - row["control_net_eur"])
    assert row["decision"] == "ship"
    assert find_lists(connection, PORTFOLIO, state, FEBRUARY) == row


def test_the_lists_of_an_experiment_on_scores_inform_alone(connection, drawn):
    """Its smallest effect is of an AUC, and says nothing of EUR per customer."""
    add_contacts(connection, FEBRUARY, CUSTOMERS[:10])
    add_labels(connection, JANUARY, {name: drawn[name] == "control" for name in CUSTOMERS})
    row = find_lists(connection, PORTFOLIO, state_of(SLICE, lists=True), FEBRUARY)
    assert row["estimate"] == pytest.approx(row["difference"])
    assert row["decision"] is None
    assert row["verdict"] == "it informs; auc decides, in experiment_outcome"


def test_a_list_that_nobody_worked_off_has_no_outcome(connection, drawn, state):
    """Without a contact both sides got the same."""
    add_labels(connection, JANUARY, dict.fromkeys(CUSTOMERS, True))
    add_contacts(connection, shift(JANUARY, -3), ["other"])
    assert find_lists(connection, PORTFOLIO, state, FEBRUARY) is None


def test_in_shadow_no_list_is_drawn(state):
    """The challenger changes nothing there."""
    assert draws(state)
    assert not draws(state_of(lists=True))
    assert not draws(state_of(SLICE))
