"""Each scenario does what its name says, from its month on."""

from datetime import date

import pytest

from churn_platform_tests.simulator.conftest import reader

APRIL = date(2025, 4, 1)
COMMON = {"customers": 8000, "months": 5, "calls_per_customer": 3}


@pytest.fixture(scope="module")
def undisturbed(make_world):
    """SQL on the world in which nothing happens."""
    return reader(make_world(**COMMON))


@pytest.fixture(scope="module")
def disturbed(make_world):
    """SQL on the world of a scenario that acts from April on."""
    return lambda scenario: reader(make_world(**COMMON, scenario=scenario, scenario_month=APRIL))


def expected_churn(query, month):
    """Mean true probability of a month."""
    return query(f"select avg(churn_probability) from truth where month = '{month}'")[0][0]


def test_price_rise_makes_customers_leave(undisturbed, disturbed):
    """Prices rise in the month for more than half; the month after, churn is clearly higher."""
    raised = disturbed("price_rise")
    mean_price = "select avg(plan_monthly_eur) from customers where month = '2025-04'"
    assert raised(mean_price)[0][0] > 1.08 * undisturbed(mean_price)[0][0]
    assert expected_churn(raised, "2025-05") > 1.25 * expected_churn(undisturbed, "2025-05")


def test_competitor_changes_who_leaves(undisturbed, disturbed):
    """The same customers have another order of risk in the month, at a similar churn rate."""
    drifted = disturbed("competitor")
    sql = "select churn_probability from truth where month = '2025-04' order by customer_id"
    before, after = ([row[0] for row in query(sql)] for query in (undisturbed, drifted))
    riskiest = len(before) // 10
    top = [set(sorted(range(len(p)), key=p.__getitem__)[-riskiest:]) for p in (before, after)]
    assert len(top[0] & top[1]) < 0.6 * riskiest
    assert 0.7 < sum(after) / sum(before) < 1.6


def test_competitor_changes_no_behaviour(undisturbed, disturbed):
    """What customers who stay do in the month has the distribution it would have had: the drift is
    of the concept.
    """
    drifted = disturbed("competitor")
    for table in ("cdr", "support_tickets", "app_usage", "transactions"):
        sql = f"select count(*) from {table} where month = '2025-04'"
        assert drifted(sql)[0][0] == pytest.approx(undisturbed(sql)[0][0], rel=0.05)


def test_harmless_mix_shifts_features_not_risk(undisturbed, disturbed):
    """The base gets younger and uses the app more; those who were there have exactly the risk they
    had.
    """
    shifted = disturbed("harmless_mix")
    young = (
        "select avg((age_group in ('18-24', '25-34'))::int) from customers where month = '2025-04'"
    )
    sessions = "select count(*) from app_usage where month = '2025-04'"
    assert shifted(young)[0][0] > undisturbed(young)[0][0] + 0.015
    assert shifted(sessions)[0][0] > 1.2 * undisturbed(sessions)[0][0]
    risk = "select churn_probability from truth where month = '2025-04' order by customer_id"
    assert shifted(risk) == undisturbed(risk)


def test_broken_feed_loses_calls_and_mixes_units(undisturbed, disturbed):
    """Most call records are missing and amounts are a hundred times too high."""
    broken = disturbed("broken_feed")
    calls = "select count(*) from cdr where month = '2025-04'"
    amount = "select sum(amount_eur) from transactions where month = '2025-04'"
    assert broken(calls)[0][0] == pytest.approx(0.3 * undisturbed(calls)[0][0], rel=0.05)
    assert broken(amount)[0][0] == pytest.approx(100 * undisturbed(amount)[0][0])
