"""What a campaign earned, worked out by hand."""

from dataclasses import asdict

import numpy as np
import pytest

from churn_platform.campaign.outcome import (
    ALL_OFFERS,
    add_up,
    as_markdown,
    compare,
    measure_outcome,
    mismatch,
)
from churn_platform.campaign.randomised import Randomised
from churn_platform_tests.support.invariants import invariant


def randomised(
    *, treated: str, control: str, offer: str = "call", reached: float = 1.0, value: float = 180.0
):
    """Customers by letters: L left, s stayed; each contact cost 10 EUR and every second one was
    accepted.
    """
    churned = np.array([letter == "L" for letter in treated + control])
    rows = len(churned)
    is_control = np.arange(rows) >= len(treated)
    is_contacted = ~is_control & (np.arange(rows) < round(reached * len(treated)))
    return Randomised(
        features_month=np.full(rows, np.datetime64("2025-01-01")),
        customer_id=np.array([f"C{row}" for row in range(rows)], dtype=object),
        offer=np.full(rows, offer, dtype=object),
        is_control=is_control,
        churn_probability=np.full(rows, 0.5),
        value_eur=np.full(rows, value),
        planned_cost_eur=np.full(rows, 10.0),
        churned=churned,
        is_contacted=is_contacted,
        is_accepted=np.where(is_contacted, np.arange(rows) % 2, np.nan),
        cost_eur=np.where(is_contacted, 10.0, 0.0),
    )


HUNDREDS = {"treated": "L" * 30 + "s" * 270, "control": "L" * 20 + "s" * 80}


def test_effect_customers_and_profit_by_hand():
    """10 % of 300 treated left and 20 % of 100 control: 30 customers kept, worth 5,400 EUR less
    3,000 for contacts.
    """
    (row,) = measure_outcome(randomised(**HUNDREDS), control_share=0.25)
    assert (row.offer, row.treated, row.control, row.contacted) == (ALL_OFFERS, 300, 100, 300)
    assert (row.effect, row.kept, row.cost_eur) == pytest.approx((0.1, 30, 3000))
    assert row.profit_eur == pytest.approx(30 * 180 - 3000)
    assert row.response_rate == pytest.approx(0.5)
    assert row.mismatch_p_value == pytest.approx(1)
    assert (row.is_trusted, row.verdict) == (True, "the campaign keeps customers")


def test_the_interval_is_newcombes():
    """Newcombe 1998, table II (a): 56/70 against 48/80 gives 0.0524 to 0.3339."""
    customers = randomised(treated="L" * 48 + "s" * 32, control="L" * 56 + "s" * 14)
    row = compare(ALL_OFFERS, customers, control_share=70 / 150)
    assert (row.effect_low, row.effect_high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert (row.kept_low, row.kept_high) == pytest.approx((80 * 0.0524, 80 * 0.3339), abs=0.01)
    assert row.profit_low_eur <= 80 * (180 * row.effect_low - 10)
    assert row.profit_high_eur >= 80 * (180 * row.effect_high - 10)


def test_the_interval_of_the_profit_holds_the_truth():
    """Values that differ: in 300 campaigns with a known effect the interval holds the truth about
    19 times in 20.
    """
    generator = np.random.default_rng(3)
    held = 0
    for _ in range(300):
        value = generator.uniform(50, 400, 600)
        is_control = np.arange(600) % 4 == 0
        churned = generator.random(600) < np.where(is_control, 0.3, 0.2)
        customers = randomised(treated="s" * 600, control="")
        fields = {
            **vars(customers),
            "value_eur": value,
            "is_control": is_control,
            "churned": churned,
        }
        fields["cost_eur"] = np.where(is_control, 0.0, 10.0)
        row = compare(ALL_OFFERS, Randomised(**fields), control_share=0.25)
        held += row.profit_low_eur <= 450 * (0.1 * 225 - 10) <= row.profit_high_eur
    assert 0.93 <= held / 300 <= 0.99


def test_never_contacted_counts_as_treated():
    """Of 300 set down for contact 150 were reached: the rates are as before, costs are half, and
    the row says so.
    """
    row = compare(ALL_OFFERS, randomised(**HUNDREDS, reached=0.5), control_share=0.25)
    assert (row.treated, row.contacted, row.effect) == (300, 150, pytest.approx(0.1))
    assert row.profit_eur == pytest.approx(30 * 180 - 1500)
    assert "150 of 300 were never contacted and count as treated" in row.verdict


@invariant("Campaign", "A control group that is not as drawn is flagged.")
def test_a_missing_control_group_is_flagged():
    """300 to 100 where one in twenty was planned: the figures are not to be trusted, in words."""
    row = compare(ALL_OFFERS, randomised(**HUNDREDS), control_share=0.05)
    assert not row.is_trusted
    assert "100 control customers have an outcome where 20 of 400 were planned" in row.verdict


def test_chance_alone_is_no_mismatch():
    """(22 - 20)^2 / 20 + (378 - 380)^2 / 380 = 0.2105 on one degree of freedom: p = 0.646. No plan,
    no test.
    """
    assert mismatch(378, 22, control_share=0.05) == pytest.approx(0.646, abs=1e-3)
    assert mismatch(400, 0, control_share=0) is None


def test_few_control_customers_prove_nothing():
    """Five control customers of whom none left: no verdict but that, and an interval that holds
    zero.
    """
    row = compare(
        ALL_OFFERS, randomised(treated="L" * 9 + "s" * 86, control="s" * 5), control_share=0.05
    )
    assert row.verdict.startswith("too few to tell: 5 control customers")
    assert row.effect_low < 0 < row.effect_high
    assert row.profit_low_eur < row.profit_eur < row.profit_high_eur


def test_control_customers_who_were_contacted_are_told():
    """Ten of a hundred: the row says so. As many as of the others: contacts did not follow the
    list.
    """
    customers = randomised(**HUNDREDS)
    few = Randomised(**{**vars(customers), "is_contacted": np.arange(400) < 310})
    assert (
        "10 control customers were contacted"
        in compare(ALL_OFFERS, few, control_share=0.25).verdict
    )
    everybody = Randomised(**{**vars(customers), "is_contacted": np.ones(400, dtype=bool)})
    row = compare(ALL_OFFERS, everybody, control_share=0.25)
    assert not row.is_trusted
    assert "100 of 100 control customers were contacted, and 300 of 300 others" in row.verdict


def test_each_offer_has_its_row():
    """Two offers give three rows; one offer gives one; a list without control gives none."""
    call, letter = randomised(**HUNDREDS), randomised(**HUNDREDS, offer="letter")
    pairs = zip(vars(call).values(), vars(letter).values(), strict=True)
    both = Randomised(*(np.concatenate(pair) for pair in pairs))
    assert [row.offer for row in measure_outcome(both, control_share=0.25)] == [
        ALL_OFFERS,
        "call",
        "letter",
    ]
    assert len(measure_outcome(call, control_share=0.25)) == 1
    assert measure_outcome(call.take(~call.is_control), control_share=0) == []


def test_months_add_up():
    """Two equal months: twice the customers and the profit, intervals wider by the root of two; a
    month not to be trusted is left out.
    """
    month = asdict(compare(ALL_OFFERS, randomised(**HUNDREDS), control_share=0.25))
    both = add_up([month, month, month | {"is_trusted": False}])
    assert (both["period"], both["treated"], both["kept"]) == ("to date", 600, pytest.approx(60))
    assert both["kept"] - both["kept_low"] == pytest.approx(
        2**0.5 * (month["kept"] - month["kept_low"])
    )
    assert both["effect"] == pytest.approx(0.1)
    assert both["profit_eur"] == pytest.approx(2 * month["profit_eur"])
    assert add_up([month | {"is_trusted": False}]) is None
    assert "| to date | all | 600 : 200 | 10.0% : 20.0% |" in as_markdown([month, both])
