"""The world is as hard as the reference case: churn rate, how well the truth ranks, what behaviour
shows.
"""

import pytest
from sklearn.metrics import roc_auc_score

from churn_platform_tests.simulator.conftest import reader


@pytest.fixture(scope="module")
def large_query(large_world):
    """SQL on the large world."""
    return reader(large_world)


def test_monthly_churn_rate(large_query):
    """About 2.3 % leave a month, and the probabilities say so."""
    rate, expected = large_query("select avg(churned::int), avg(churn_probability) from truth")[0]
    assert 0.020 < rate < 0.026
    assert expected == pytest.approx(rate, abs=0.001)


def test_churn_rate_has_no_trend(large_query):
    """The run-in brought the base to its steady state: no month leaves the band."""
    for month, expected in large_query(
        "select month, avg(churn_probability) from truth group by 1"
    ):
        assert 0.019 < expected < 0.028, month


def test_truth_ranks_churners(large_query):
    """The AUC of the true probabilities is what a perfect model could reach:
    between 0.87 and 0.92.
    """
    churned, probability = zip(
        *large_query("select churned, churn_probability from truth"), strict=True
    )
    assert 0.87 < roc_auc_score(churned, probability) < 0.92


def test_probabilities_are_calibrated(large_query):
    """In each tenth of customers by probability, as many leave as the probabilities announce."""
    tenths = large_query("""
        select avg(churned::int), avg(churn_probability), count(*)
        from (select *, ntile(10) over (order by churn_probability) as tenth from truth)
        group by tenth
    """)
    for rate, expected, rows in tenths:
        assert abs(rate - expected) < 4 * (expected / rows) ** 0.5


@pytest.mark.parametrize(
    ("table", "trace"),
    [
        ("app_usage", "screen = 'cancellation'"),
        ("support_tickets", "true"),
        ("support_tickets", "category = 'complaint'"),
        ("transactions", "days_late > 0"),
    ],
)
def test_leavers_leave_traces_before(large_query, table, trace):
    """Those who leave in M+1 show at least 1.5 times as many signs of it in M as those who stay."""
    rates = large_query(f"""
        with signs as (
            select customer_id, count(*) as n from {table}
            where month = '2025-04' and {trace} group by 1
        )
        select avg(coalesce(n, 0)) from truth left join signs using (customer_id)
        where truth.month = '2025-05' group by churned order by churned
    """)
    assert rates[1][0] > 1.5 * rates[0][0]


def test_leavers_use_less(large_query):
    """Those who leave in M+1 use the network less in M than they did three months before."""
    sql = """
        select avg(c.churned::int) from (
            select customer_id, churned, count(*) filter (cdr.month = '2025-07') as now,
                count(*) filter (cdr.month = '2025-04') as before
            from truth join cdr using (customer_id) where truth.month = '2025-08' group by all
        ) c where
    """
    assert (
        large_query(f"{sql} before >= 3 and now <= before / 3")[0][0]
        > 1.5 * large_query(f"{sql} now > before")[0][0]
    )


def test_no_column_gives_the_answer_away(large_query):
    """No single obvious number ranks churners better than 0.8."""
    rows = large_query("""
        select t.churned, date '2025-06-01' - c.signup_date as tenure, c.plan_monthly_eur,
            coalesce(c.contract_end_date - date '2025-06-01', 0) as days_left,
            (select count(*) from app_usage a
                where a.customer_id = t.customer_id and a.month = c.month
                and a.screen = 'cancellation') as views,
            (select count(*) from support_tickets s
                where s.customer_id = t.customer_id and s.month = c.month)
        from truth t join customers c using (customer_id)
        where t.month = '2025-06' and c.month = '2025-05'
    """)
    churned, *columns = zip(*rows, strict=True)
    for column in columns:
        area = roc_auc_score(churned, column)
        assert max(area, 1 - area) < 0.8
