"""Steps of the ranking, in SQL."""

import duckdb

from churn_platform_tests.support.published_page import CALL, LETTER
from serving.page.scenario_sql import last_step_sql, ranking_of, steps_sql

# A call brings 0.4 of what is at stake less 35, a letter 0.2 less 5: of 200 EUR 45 and 35, of
# 100 EUR 5 and 15.
PLAN = """
    create table plan as
    select 1 as tier_place, 0.9::double as churn_probability, 200.0::double as at_stake_eur
    union all
    select 2, 0.5, 100.0
"""


def test_each_customer_is_in_the_step_of_its_rank():
    """By profit: the call at 45 EUR before the letter at 15; sums with what is at stake."""
    ranking = ranking_of((CALL, LETTER), {}, is_by_euro=False)
    with duckdb.connect() as connection:
        connection.execute(PLAN)
        rows = connection.execute(steps_sql(ranking), ranking.parameters).fetchall()
    assert [row[1:] for row in rows] == [
        (0, 1, 35.0, 45.0, 0.9, 200.0, 200.0),
        (1, 1, 5.0, 15.0, 0.5, 100.0, 100.0),
    ]
    assert rows[0][0] > rows[1][0]


def test_a_step_is_split_where_the_budget_ends():
    """By euro the letter, 3 EUR for one, comes first; 4 EUR do not pay for it."""
    ranking = ranking_of((CALL, LETTER), {}, is_by_euro=True)
    limits = {"before_cost": 0.0, "before_customers": 0, "share": 1.0, "capacity": None}
    with duckdb.connect() as connection:
        connection.execute(PLAN)
        step = connection.execute(steps_sql(ranking), ranking.parameters).fetchall()[0]
        limits |= {"step": step[0], "least": step[-2], "most": step[-1]}
        found = [
            connection.execute(
                last_step_sql(ranking), ranking.parameters | limits | {"budget": budget}
            ).fetchall()
            for budget in (4.0, 5.0)
        ]
    assert [(row[0], row[-1]) for row in found[0]] == [(False, 3.0)]
    assert [(row[0], row[1]) for row in found[1]] == [(True, 1)]
