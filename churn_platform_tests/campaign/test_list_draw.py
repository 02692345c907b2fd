"""Customers on one of two lists are contacted by the list that they were drawn to."""

import pytest

from churn_platform.campaign.contact_decisions import replace_decisions
from churn_platform.campaign.contact_list import replace_contact_list
from churn_platform.campaign.list_draw import COLUMNS, NAME, SCORES
from churn_platform.scoring.score import SCORE_COLUMNS
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.campaign.conftest import _insert, add_scores, with_campaign
from churn_platform_tests.support.tiny import JANUARY

# With two places A and B are the control's list, B and C the challenger's.
CONTROL = {"A": 0.9, "B": 0.8, "C": 0.7, "D": 0.6}
CHALLENGER = {"A": 0.6, "B": 0.8, "C": 0.9, "D": 0.7}


def add_experiment(connection, *, drawn: dict[str, str]) -> None:
    """Both versions' scores of January, and the list that A and C were drawn to."""
    add_scores(connection, CONTROL)
    own = {"experiment": "varchar", "arm": "varchar"}
    ensure_table(connection, f"tiny.{SCORES}", SCORE_COLUMNS | own)
    rows = []
    for arm, scores in (("control", CONTROL), ("challenger", CHALLENGER)):
        version = 3 if arm == "control" else 4
        for name, value in scores.items():
            rows.append((JANUARY, name, value, "high", 1, ["Because"], version, "trial", arm))
    _insert(connection, f"tiny.{SCORES}", rows)
    ensure_table(connection, f"tiny.{NAME}", COLUMNS)
    draws = [(JANUARY, "trial", name, name == "A", name == "C", to) for name, to in drawn.items()]
    _insert(connection, f"tiny.{NAME}", draws)


@pytest.mark.parametrize(
    ("drawn", "listed"),
    [
        ({"A": "control", "C": "control"}, [("A", 3), ("B", 3)]),
        ({"A": "challenger", "C": "challenger"}, [("C", 4), ("B", 3)]),
        ({"A": "control", "C": "challenger"}, [("A", 3), ("C", 4), ("B", 3)]),
        ({"A": "challenger", "C": "control"}, [("B", 3)]),
    ],
)
def test_the_list_is_the_one_of_the_draw(connection, drawn, listed):
    """B is on both lists; A and C follow their draw, each with its version's score."""
    add_experiment(connection, drawn=drawn)
    portfolio = with_campaign(capacity=2, control_share=0)
    replace_contact_list(connection, portfolio, JANUARY)
    rows = connection.execute(
        "select customer_id, model_version from tiny.contact_list order by list_rank"
    ).fetchall()
    assert rows == listed


def test_who_was_drawn_to_the_other_list_is_told_so(connection):
    """A is on the control's list and was drawn to the challenger's."""
    add_experiment(connection, drawn={"A": "challenger", "C": "challenger"})
    portfolio = with_campaign(capacity=2, control_share=0)
    replace_contact_list(connection, portfolio, JANUARY)
    replace_decisions(connection, portfolio, JANUARY)
    rows = connection.execute("select customer_id, decision from tiny.contact_decisions").fetchall()
    assert dict(rows) == {
        "A": "other_list",
        "B": "contact",
        "C": "contact",
        "D": "beyond_budget",
    }
