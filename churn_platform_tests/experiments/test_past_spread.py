"""What a plan is made of: how far two versions differ on customers of the past."""

from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest

from churn_platform.errors import ExperimentError
from churn_platform.experiments import past_spread
from churn_platform.experiments.paired import PairedScores, auc_difference, profit_difference
from churn_platform.experiments.past_spread import list_spread, plan_of, spread_of
from churn_platform.portfolios.economics import Economics
from churn_platform.warehouse.lake import connect
from churn_platform_tests.experiments.conftest import spec_of
from churn_platform_tests.experiments.lake_rows import DECEMBER, add_labels
from churn_platform_tests.support.tiny import FEBRUARY, TINY

ECONOMICS = Economics(contact_cost_eur=10, acquisition_cost_eur=200, acceptance_rate=0.5)
LISTS = spec_of(primary_metric="list_profit_eur", lists=True)


def scores(*, threshold: float = 0.5, challenger=(0.9, 0.1, 0.8, 0.2)) -> PairedScores:
    """Four customers, of whom the first two left; the control lists just those at one half."""
    return PairedScores(
        churned=np.array([1, 1, 0, 0]),
        control=np.array([0.9, 0.8, 0.1, 0.2]),
        challenger=np.array(challenger),
        control_threshold=threshold,
        challenger_threshold=threshold,
    )


def test_the_spread_is_that_of_the_primary_metric():
    """With the number of customers that it was found on."""
    for metric, found in (
        ("auc", auc_difference(scores())),
        ("profit_eur", profit_difference(scores(), ECONOMICS)),
    ):
        spread = spread_of(spec_of(primary_metric=metric), scores(), ECONOMICS)
        assert (spread.customers, spread.paired) == (4, found.variance)
        assert spread.split == found.split_variance
    assert spread_of(LISTS, scores(), ECONOMICS) == list_spread(LISTS, scores(), ECONOMICS)


def test_the_spread_of_lists_worked_out_by_hand():
    """One list has customers 1 and 2, the other 1 and 3, so 2 and 3 are drawn; one of them left.

    Of staying, 200^2 / 4, of the contact, 10^2 / 4: 10,025. Two halves of 2 drawn customers: times
    4 / 2. A split draws all 4, of whom also half left, and dilutes the difference by 4 / 2.
    """
    spread = list_spread(LISTS, scores(), ECONOMICS)
    assert spread.customers == 4
    assert spread.paired == pytest.approx(4 * 10_025 / 2)
    assert spread.split == pytest.approx(4 * 10_025 / 4 * 2**2)


def test_a_threshold_above_every_score_still_lists_one_customer():
    """The highest of each version: customer 1 under the control, 3 under the challenger."""
    pair = scores(threshold=0.99, challenger=(0.1, 0.2, 0.9, 0.3))
    assert list_spread(LISTS, pair, ECONOMICS).paired == pytest.approx(4 * 10_025 / 2)


def test_the_same_two_lists_draw_nobody():
    """Their scores may differ: it is the order that counts."""
    pair = scores(challenger=(0.7, 0.6, 0.3, 0.4))
    with pytest.raises(ExperimentError, match="list the same customers, so no one is drawn"):
        list_spread(LISTS, pair, ECONOMICS)


@pytest.fixture
def publisher(lake, monkeypatch):
    """The tiny portfolio, whose hold-out has four customers."""
    monkeypatch.setattr(past_spread, "holdout_scores", lambda *_: scores())
    return SimpleNamespace(portfolio=TINY, lake=lake, client=None)


def test_a_month_has_as_many_customers_as_the_newest_labels(publisher):
    """Three in December, after two in February."""
    with closing(connect(publisher.lake)) as connection:
        add_labels(connection, DECEMBER, dict.fromkeys("ABC", False))
        add_labels(connection, FEBRUARY, dict.fromkeys("AB", False))
    assert plan_of(publisher, spec_of(), (2, 1)).customers_per_month == 3


def test_before_any_label_the_hold_out_stands_for_a_month(publisher):
    """It is the best guess there is."""
    # A lake that nobody has written to cannot be opened to read.
    with closing(connect(publisher.lake)):
        pass
    assert plan_of(publisher, spec_of(), (2, 1)).customers_per_month == 4


def test_a_snapshot_is_planned_on_those_that_no_version_was_fitted_on(publisher):
    """However many labels its file has."""
    with closing(connect(publisher.lake)) as connection:
        add_labels(connection, DECEMBER, dict.fromkeys("ABC", False))
    publisher.portfolio = TINY.model_copy(update={"kind": "snapshot"})
    assert plan_of(publisher, spec_of(), (2, 1)).customers_per_month == 4
