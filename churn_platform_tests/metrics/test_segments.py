"""Metrics by part of the customer base, by hand."""

import numpy as np

from churn_platform.metrics.segments import measure_slices, ordered

PLAN = np.array(["prepaid"] * 4 + ["yearly"] * 3)
CHURNED = np.int8([1, 1, 0, 0, 1, 0, 0])
PROBABILITY = np.array([0.9, 0.2, 0.6, 0.1, 0.8, 0.7, 0.3])


def slices(threshold: float = 0.5, min_outcomes: int = 2):
    """The two plans."""
    return measure_slices(
        {"plan": PLAN}, CHURNED, PROBABILITY, threshold=threshold, min_outcomes=min_outcomes
    )


def test_a_group_is_measured_on_its_own_customers():
    """Prepaid: 1 of 2 churners is above 0.5, so is 1 stayer; 3 of 4 pairs are in order."""
    prepaid, _ = slices()
    assert (prepaid.customers, prepaid.churners, prepaid.churn_rate) == (4, 2, 0.5)
    assert (prepaid.recall, prepaid.precision, prepaid.auc) == (0.5, 0.5, 0.75)


def test_a_small_group_is_counted_and_not_measured():
    """One churner alone says nothing of a model."""
    _, yearly = slices()
    assert yearly.is_too_small
    assert (yearly.customers, yearly.churners) == (3, 1)
    assert (yearly.auc, yearly.recall, yearly.precision) == (None, None, None)


def test_without_anybody_selected_there_is_no_precision():
    """Recall is then 0, which is a share of the churners."""
    prepaid, _ = slices(threshold=0.95)
    assert (prepaid.recall, prepaid.precision) == (0.0, None)


def test_quartiles_come_in_the_order_of_their_bounds():
    """Not in that of their letters; the first includes its lower bound."""
    names = ["above 10 to 200", "above 9.5 to 10", "from -3 to 9.5", "unknown"]
    assert ordered(np.array(names)) == ["unknown", *reversed(names[:3])]
