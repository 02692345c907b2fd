"""What a customer is told of the score, on a model that can be worked out by hand."""

from collections.abc import Iterator
from contextlib import closing
from itertools import product

import duckdb
import pytest
from scipy.special import expit

from churn_platform.errors import DataError
from churn_platform.governance.explain_customer import (
    CustomerExplanation,
    as_text,
    explain_customer,
)
from churn_platform.scoring.score import Champion
from churn_platform.warehouse.lake import connect
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, TINY
from churn_platform_tests.support.worked_examples import model

TIERS = [("critical", 0.9), ("high", 0.5), ("low", 0.0)]
PEOPLE = {
    "ADA": (50, 2, True, "prepaid"),  # log-odds 3
    "O'Neil": (70, 0, True, "yearly"),  # -4
    "edge": (50, 0, False, "prepaid"),  # 0, a probability of exactly 0.5
    "unknown": (None, 3, False, None),  # 3
}
CROWD = list(product((40, 50, 60), (0, 1, 2), (False, True), ("prepaid", "yearly")))


@pytest.fixture
def connection(lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """January's features of a few people and a crowd."""
    rows = PEOPLE | {f"C{number:02d}": row for number, row in enumerate(CROWD)}
    with closing(connect(lake)) as connection:
        connection.execute("create schema tiny")
        connection.execute(
            "create table tiny.customer_features "
            "(customer_id varchar, month date, usage double, tickets bigint, is_late boolean, "
            "plan varchar)"
        )
        connection.executemany(
            "insert into tiny.customer_features values (?, ?, ?, ?, ?, ?)",
            [(name, JANUARY, *row) for name, row in rows.items()],
        )
        yield connection


@pytest.fixture
def explain(connection):
    """Explains a customer where the features named are protected or can be acted on."""

    def explain(
        customer_id: str, *protected: str, month=JANUARY, tiers=TIERS, **actionable: str
    ) -> CustomerExplanation:
        champion = Champion(7, model(*protected, **actionable), tiers)
        return explain_customer(connection, TINY, champion, customer_id, month)

    return explain


def test_score_tier_and_reasons_are_the_models(explain):
    """Log-odds 3: two tickets and late payment raise it; usage of 50 and the plan add nothing and
    are left out.
    """
    it = explain("ADA")
    assert it.churn_probability == pytest.approx(expit(3))
    assert (it.model_version, it.risk_tier, it.lower_tier) == (7, "critical", "high")
    assert it.reasons == ["2 tickets", "Pays late: yes"]
    assert it.factors == [("2 tickets", True), ("Pays late: yes", True)]


def test_what_would_change_the_tier_is_said_in_words(explain):
    """One ticket less gives log-odds 2, below the 0.9 at which the tier begins."""
    it = explain("ADA", tickets="lower")
    assert it.changes == ["Tickets: 1 instead of 2"]
    assert it.counterfactual.churn_probability == pytest.approx(expit(2))
    told = as_text(it)
    assert (
        "tier high (88.1%) would be reached with, all else as it is\n- Tickets: 1 instead of 2"
        in told
    )


@pytest.mark.parametrize(
    ("tiers", "reached"),
    [
        ([("critical", 0.9), ("high", 0.9), ("medium", 0.2), ("low", 0.0)], "medium"),
        ([("critical", 0.9), ("high", 0.89), ("medium", 0.885), ("low", 0.0)], "low"),
    ],
)
def test_the_tier_that_would_be_reached_is_that_of_the_new_score(explain, tiers, reached):
    """88.1 %, though two tiers begin at one bound, or a tier is skipped."""
    assert f"tier {reached} (88.1%) would be reached" in as_text(
        explain("ADA", tiers=tiers, tickets="lower")
    )
    assert explain("ADA", tiers=tiers).lower_tier == next(
        name for name, bound in tiers if bound < 0.9
    )


def test_where_nothing_can_be_done_it_is_said(explain):
    """Without a feature to act on there is no change, and the text says so."""
    it = explain("ADA")
    assert (it.counterfactual, it.changes) == (None, [])
    assert (
        "No change of one or two features that the operator can act "
        "on brings the score into tier high." in as_text(it)
    )


def test_in_the_lowest_tier_nothing_has_to_change(explain):
    """There is no tier below; what lowers the risk is named all the same, an id with a quote is an
    id.
    """
    it = explain("O'Neil", tickets="lower")
    assert (it.risk_tier, it.lower_tier, it.counterfactual) == ("low", None, None)
    assert it.factors == [("Plan: yearly", False), ("Used 70 GB", False), ("Pays late: yes", True)]
    assert "This is the lowest tier" in as_text(it)


def test_a_probability_on_the_bound_belongs_to_the_tier(explain):
    """0.5 is high; the change must bring it below, not onto it."""
    it = explain("edge", usage="higher")
    assert (it.churn_probability, it.risk_tier) == (0.5, "high")
    assert it.counterfactual.churn_probability == pytest.approx(expit(-1))


def test_nobody_gives_a_reason_by_what_is_not_known(explain):
    """Missing usage and plan are neither reasons nor factors."""
    it = explain("unknown")
    assert it.factors == [("3 tickets", True)]
    assert it.reasons == ["3 tickets"]


def test_a_protected_attribute_is_a_factor_and_no_reason(explain):
    """Who asks may know that late payment counts; were it protected, agents would not be told."""
    it = explain("ADA", "is_late")
    assert it.reasons == ["2 tickets"]
    assert it.factors == [("2 tickets", True), ("Pays late: yes", True)]


def test_who_is_not_there_is_named(explain, connection):
    """An unknown customer, a month without features and a warehouse without any: each an error that
    says so.
    """
    with pytest.raises(DataError, match="customer 'EVE' has no features of 2025-01 in tiny"):
        explain("EVE")
    with pytest.raises(DataError, match="customer 'ADA' has no features of 2025-02 in tiny"):
        explain("ADA", month=FEBRUARY)
    connection.execute("drop table tiny.customer_features")
    with pytest.raises(DataError, match=r"tiny has no features yet; run `churn run tiny` first"):
        explain("ADA")
