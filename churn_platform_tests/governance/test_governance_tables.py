"""What governance keeps of a month: rows of its challenger, in place of those before."""

from contextlib import closing
from types import SimpleNamespace

from churn_platform.governance.explanations import Importance
from churn_platform.governance.governance_tables import replace_explanations, replace_fairness
from churn_platform.metrics.fairness import AttributeFairness, GroupFairness
from churn_platform.warehouse.lake import connect
from churn_platform_tests.support.tiny import FEBRUARY, MARCH, TINY

RANKING = [Importance("tickets", "care", 0.75, 0.6), Importance("usage", "use", 0.5, 0.4)]


def examined(version: int, month=MARCH) -> SimpleNamespace:
    """A version as far as the tables ask for it."""
    return SimpleNamespace(portfolio=TINY, month=month, version=version)


def test_features_are_ranked_from_one(lake):
    """The month has the ranking of its newest version alone; another month keeps its own."""
    with closing(connect(lake)) as connection:
        replace_explanations(connection, examined(1, FEBRUARY), RANKING[:1])
        replace_explanations(connection, examined(2), RANKING[:1])
        assert replace_explanations(connection, examined(3), RANKING) == 2
        rows = connection.execute(
            "select model_version, rank, feature, share from tiny.explanations order by all"
        ).fetchall()
    assert rows == [(1, 1, "tickets", 0.6), (3, 1, "tickets", 0.6), (3, 2, "usage", 0.4)]


def test_a_group_that_is_not_judged_has_no_rates(lake):
    """It is counted, and its rates are null."""
    small = GroupFairness("islands", 9, 2, False, None, None, None, None, None)
    area = AttributeFairness("area", [small], None, None, None)
    with closing(connect(lake)) as connection:
        assert replace_fairness(connection, examined(3), [area]) == 1
        rows = connection.execute(
            'select attribute, "group", customers, churners, is_judged, recall, recall_low '
            "from tiny.fairness_report"
        ).fetchall()
    assert rows == [("area", "islands", 9, 2, False, None, None)]
