"""The operating threshold and the tiers that follow from it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betainc

from churn_platform.metrics.threshold import choose_threshold, risk_tiers
from churn_platform.portfolios.spec import Economics

ECONOMICS = Economics(contact_cost_eur=35, acquisition_cost_eur=180, acceptance_rate=0.4)
CHEAP = Economics(contact_cost_eur=1, acquisition_cost_eur=180, acceptance_rate=0.4)


def ranked(*groups: tuple[float, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes and probabilities of groups of (probability, customers, churners among them)."""
    churned = [np.arange(customers) < churners for _, customers, churners in groups]
    probability = [np.full(customers, value) for value, customers, _ in groups]
    return np.concatenate(churned).astype(np.int8), np.concatenate(probability)


def chosen(
    *groups: tuple[float, int, int], min_recall: float = 0.0, economics: Economics = ECONOMICS
) -> float:
    """The threshold for the groups."""
    return choose_threshold(*ranked(*groups), economics=economics, min_recall=min_recall)


def test_without_a_gate_the_most_profitable_threshold_wins():
    """A kept churner brings 72 EUR: groups of 90 % and 60 % churners pay, one of 40 % does not."""
    assert chosen((0.9, 100, 90), (0.6, 100, 60), (0.4, 100, 40), (0.1, 100, 5)) == 0.6


def test_the_recall_gate_goes_before_profit():
    """Where profit alone would stop at 75 % of the churners, a gate of 80 %
    reaches further down.
    """
    groups = (0.9, 1000, 900), (0.6, 1000, 600), (0.4, 1000, 450), (0.1, 1000, 50)
    assert chosen(*groups) == 0.6
    assert chosen(*groups, min_recall=0.8) == 0.4


def test_the_gate_must_be_reached_with_confidence():
    """A sample's recall of exactly the gate is missed by half of the next samples, so it is not
    enough.
    """
    groups = (0.9, 1000, 650), (0.4, 1000, 250), (0.1, 1000, 100)
    assert chosen(*groups, min_recall=0.60) == 0.9
    assert chosen(*groups, min_recall=0.65) == 0.4


def test_a_gate_out_of_reach_contacts_everybody():
    """Where no threshold is sure to reach the gate, the lowest probability is the threshold."""
    assert chosen((0.9, 5, 2), (0.2, 5, 1), min_recall=0.99) == 0.2


def test_ties_stand_or_fall_together():
    """Customers of one probability are all contacted or none: their order does not make a
    threshold.
    """
    churned, probability = ranked((0.5, 10, 5), (0.1, 10, 0))
    turned = np.argsort(np.tile([1, 0], 10), kind="stable")
    options = {"economics": CHEAP, "min_recall": 0.0}
    assert choose_threshold(churned, probability, **options) == 0.5
    assert choose_threshold(churned[turned], probability[turned], **options) == 0.5


@given(
    rows=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=2, max_size=60).filter(
        lambda rows: any(churned for churned, _ in rows)
    ),
    min_recall=st.sampled_from([0.0, 0.3, 0.65, 0.9]),
    contact=st.floats(0.5, 150),
)
def test_no_threshold_that_reaches_the_gate_pays_more(rows, min_recall, contact):
    """Every probability in the data is tried by counting: the chosen one is the best of those that
    are sure enough.

    Sure enough, by its definition: were the recall just below the gate, so many hits among half the
    churners would have a chance of 5 % at most.
    """
    churned, probability = (
        np.array([row[0] for row in rows]),
        np.array([row[1] / 10 for row in rows]),
    )
    economics = Economics(contact_cost_eur=contact, acquisition_cost_eur=180, acceptance_rate=0.4)
    profits = {}
    for candidate in np.unique(probability):
        contacted = probability >= candidate
        hits, missed = churned[contacted].sum(), churned[~contacted].sum()
        chance = betainc(hits / 2, missed / 2 + 1, min_recall) if hits else 1.0
        if chance <= 0.05 + 1e-12 or min_recall == 0:
            profits[candidate] = hits * 72 - contacted.sum() * contact
    found = choose_threshold(churned, probability, economics=economics, min_recall=min_recall)
    if profits:
        assert profits[found] == pytest.approx(max(profits.values()))
    else:
        assert found == probability.min()


def test_tiers_follow_threshold_base_rate_and_economics():
    """No bound is a fixed number: each moves with what it stands for."""
    options = {"threshold": 0.2, "base_rate": 0.05, "economics": ECONOMICS}
    before = dict(risk_tiers(**options))
    assert dict(risk_tiers(**options | {"economics": CHEAP}))["critical"] != before["critical"]
    assert dict(risk_tiers(**options | {"threshold": 0.3}))["high"] == 0.3
    assert dict(risk_tiers(**options | {"base_rate": 0.1}))["medium"] == 0.1


@given(
    threshold=st.floats(0.001, 0.999),
    base_rate=st.floats(0.001, 0.999),
    contact=st.floats(1, 500),
    acceptance=st.floats(0.05, 1),
)
def test_bounds_of_tiers_never_rise(threshold, base_rate, contact, acceptance):
    """From critical to low the bounds fall or stay, low begins at zero, high at the threshold."""
    economics = Economics(
        contact_cost_eur=contact, acquisition_cost_eur=180, acceptance_rate=acceptance
    )
    tiers = risk_tiers(threshold=threshold, base_rate=base_rate, economics=economics)
    bounds = [bound for _, bound in tiers]
    assert [name for name, _ in tiers] == ["critical", "high", "medium", "low"]
    assert bounds == sorted(bounds, reverse=True)
    assert (bounds[1], bounds[3]) == (threshold, 0.0)


def test_critical_begins_where_a_contact_pays():
    """35 EUR against 40 % of 180 EUR: from a probability of 0.486 on."""
    tiers = dict(risk_tiers(threshold=0.1, base_rate=0.02, economics=ECONOMICS))
    assert tiers == {"critical": pytest.approx(35 / 72), "high": 0.1, "medium": 0.02, "low": 0.0}
