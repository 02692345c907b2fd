"""Who is on the list, in which order, and who is not."""

from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_platform.campaign.contact_list import (
    COLUMNS,
    held_out_sql,
    replace_contact_list,
    summarise,
)
from churn_platform.errors import DataError
from churn_platform.months import shift
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.campaign.conftest import (
    add_campaign_rows,
    add_scores,
    add_uplift,
    with_campaign,
)
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import JANUARY


def listed(connection, portfolio) -> list[dict]:
    """January's list, best first."""
    replace_contact_list(connection, portfolio, JANUARY)
    result = connection.execute(
        "select * from tiny.contact_list where month = ? order by list_rank", [JANUARY]
    )
    columns = [column[0] for column in result.description]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def test_a_customer_is_worth_a_contact_or_not_by_hand(connection):
    """0.6 x 0.4 x 180 - 35 = 8.20 EUR is worth it; 0.48 gives -0.44 EUR and is not."""
    add_scores(connection, {"A": 0.6, "B": 0.48})
    (row,) = listed(connection, with_campaign(control_share=0))
    assert (row["customer_id"], row["list_rank"], row["role"]) == ("A", 1, "contact")
    assert row["expected_profit_eur"] == pytest.approx(8.2)
    assert set(row) == set(COLUMNS)


def test_the_list_is_ranked_by_expected_profit(connection):
    """The customer who is likelier to leave comes first."""
    add_scores(connection, {"A": 0.6, "B": 0.9, "C": 0.7})
    assert [row["customer_id"] for row in listed(connection, with_campaign(control_share=0))] == [
        "B",
        "C",
        "A",
    ]


def test_the_best_offer_is_chosen_for_each_customer(connection):
    """0.9 x 180 = 162 EUR at stake: the call brings 0.4 x 162 - 35 = 29.8, the letter 0.2 x 162 - 5
    = 27.4; at 0.5 the letter's 13 EUR beat the call's 1 EUR.
    """
    add_scores(connection, {"A": 0.9, "B": 0.5})
    call = {"name": "call", "channel": "phone", "contact_cost_eur": 35, "acceptance_rate": 0.4}
    letter = {"name": "letter", "channel": "post", "contact_cost_eur": 5, "acceptance_rate": 0.2}
    rows = listed(connection, with_campaign(control_share=0, offers=[call, letter]))
    assert [(row["customer_id"], row["offer"], row["channel"]) for row in rows] == [
        ("A", "call", "phone"),
        ("B", "letter", "post"),
    ]
    assert [row["expected_profit_eur"] for row in rows] == pytest.approx([29.8, 13.0])


def test_a_budget_prefers_the_best_return_on_each_euro(connection):
    """With 40 EUR the 5-EUR letter to B (260 % net) comes before the 35-EUR call to A (85 % net);
    both just fit.
    """
    add_scores(connection, {"A": 0.9, "B": 0.5})
    call = {"name": "call", "channel": "phone", "contact_cost_eur": 35, "acceptance_rate": 0.4}
    letter = {"name": "letter", "channel": "post", "contact_cost_eur": 5, "acceptance_rate": 0.2}
    campaign = {"control_share": 0, "offers": [call, letter]}
    assert [
        row["customer_id"] for row in listed(connection, with_campaign(budget_eur=40, **campaign))
    ] == ["B", "A"]
    assert [
        row["customer_id"] for row in listed(connection, with_campaign(budget_eur=39, **campaign))
    ] == ["B"]


def test_value_may_come_from_the_price(connection):
    """24 months at a churn rate of 0.5 are 2 months of life: 60 EUR x 0.5 x 2 = 60; 0.9 x 0.4 x 60
    does not pay 35.
    """
    ensure_table(
        connection,
        "tiny.customer_features",
        {"month": "date", "customer_id": "varchar", "usage": "double"},
    )
    connection.execute(
        "insert into tiny.customer_features values (?, 'A', 600), (?, 'B', 60)", [JANUARY, JANUARY]
    )
    add_scores(connection, {"A": 0.5, "B": 0.5})
    value = {"price_feature": "usage", "margin": 0.5, "horizon_months": 24}
    (row,) = listed(connection, with_campaign(control_share=0, value=value))
    assert row["customer_id"] == "A"
    assert row["customer_value_eur"] == pytest.approx(600, rel=1e-6)
    assert row["expected_profit_eur"] == pytest.approx(0.5 * 0.4 * 600 - 35, rel=1e-6)


def test_nobody_is_contacted_who_must_not_be(connection):
    """Opted out, ineligible, contacted in the cool-down: off the list; older contacts and other
    months do not count.
    """
    add_scores(connection, dict.fromkeys("ABCDE", 0.9))
    other = shift(JANUARY, -1)
    preferences = [
        (JANUARY, "A", True, None),
        (JANUARY, "B", False, True),
        (JANUARY, "C", False, None),
    ]
    add_campaign_rows(connection, "contact_preferences", [*preferences, (other, "E", True, True)])
    add_campaign_rows(
        connection, "campaign_contacts", [(shift(JANUARY, -2), "D"), (shift(JANUARY, -3), "C")]
    )
    rows = listed(connection, with_campaign(control_share=0, cooldown_months=3))
    assert {row["customer_id"] for row in rows} == {"C", "E"}


def test_a_missing_file_calls_nobody_back(connection):
    """Who opted out in December stays out in January when January's file did not come; February's
    does not count.
    """
    add_scores(connection, {"A": 0.9, "B": 0.9})
    rows = [(shift(JANUARY, -1), "A", True, None), (shift(JANUARY, 1), "B", True, None)]
    add_campaign_rows(connection, "contact_preferences", rows)
    assert [row["customer_id"] for row in listed(connection, with_campaign(control_share=0))] == [
        "B"
    ]


def test_no_cool_down_lets_the_newest_contact_be_repeated(connection):
    """A cool-down of 0 months excludes nobody who was contacted."""
    add_scores(connection, {"A": 0.9})
    add_campaign_rows(connection, "campaign_contacts", [(JANUARY, "A")])
    assert len(listed(connection, with_campaign(control_share=0, cooldown_months=0))) == 1


def test_uplift_ranks_where_it_was_shown_to_earn_more(connection):
    """B's contact keeps 0.5 x 180 = 90 EUR, A's 45; C's does harm, and nobody knows what D's would
    do.
    """
    add_scores(connection, {"A": 0.9, "B": 0.6, "C": 0.95, "D": 0.8})
    add_uplift(connection, {"A": 0.25, "B": 0.5, "C": -0.3})
    rows = listed(connection, with_campaign(control_share=0))
    assert [(row["customer_id"], row["uplift"]) for row in rows] == [("B", 0.5), ("A", 0.25)]
    assert [row["expected_profit_eur"] for row in rows] == pytest.approx([55, 10])


def test_uplift_of_another_month_ranks_nothing(connection):
    """February's decision leaves January's list to churn."""
    add_scores(connection, {"A": 0.9})
    add_uplift(connection, {"A": -1.0}, month=shift(JANUARY, 1))
    assert [row["uplift"] for row in listed(connection, with_campaign(control_share=0))] == [None]


def test_control_is_one_in_each_run_of_the_ranking(connection):
    """With a share of 5 % each twenty places in a row hold exactly one control customer, at
    changing places.
    """
    add_scores(connection, {f"C{number:03}": 0.6 + number / 1000 for number in range(200)})
    roles = [row["role"] for row in listed(connection, with_campaign(control_share=0.05))]
    places = [roles[start : start + 20].index("control") for start in range(0, 200, 20)]
    assert roles.count("control") == 10
    assert len(set(places)) > 3


def test_without_scores_the_message_says_what_to_do(connection):
    """A month that was not scored has no list."""
    with pytest.raises(
        DataError, match="tiny has no scores of 2025-01; materialize tiny/monthly_scores"
    ):
        replace_contact_list(connection, with_campaign(), JANUARY)


def test_nobody_worth_it_gives_an_empty_list(connection):
    """A month of content customers: no rows, and a summary of zeros."""
    add_scores(connection, {"A": 0.1})
    assert listed(connection, with_campaign()) == []
    assert set(summarise(connection, with_campaign(), JANUARY).values()) == {0}


@given(
    probability=st.lists(st.floats(0, 1), min_size=1, max_size=60),
    budget=st.one_of(st.none(), st.floats(1, 2000)),
    capacity=st.one_of(st.none(), st.integers(1, 40)),
    share=st.sampled_from([0, 0.05, 0.1, 0.3]),
    opted_out=st.sets(st.integers(0, 59), max_size=20),
    uplift=st.one_of(st.none(), st.lists(st.floats(-1, 1), min_size=1, max_size=60)),
)
@settings(max_examples=15)
@invariant(
    "Campaign",
    "A contact list is the same when made again, keeps its budget, and holds no "
    "customer who opted out.",
)
def test_a_list_keeps_its_promises(
    tmp_path_factory, extensions, probability, budget, capacity, share, opted_out, uplift
):
    """Ranked by churn or by uplift: same list again; never above budget or capacity; never opted
    out; each customer once; every profit positive.
    """
    from churn_platform_tests.support.tiny_lake import tiny_lake

    with closing(connect(tiny_lake(tmp_path_factory.mktemp("list"), extensions))) as connection:
        add_scores(connection, {f"C{number}": value for number, value in enumerate(probability)})
        add_campaign_rows(
            connection,
            "contact_preferences",
            [(JANUARY, f"C{number}", True, None) for number in opted_out],
        )
        add_uplift(connection, {f"C{number}": value for number, value in enumerate(uplift or [])})
        portfolio = with_campaign(budget_eur=budget, capacity=capacity, control_share=share)
        rows = listed(connection, portfolio)
        assert rows == listed(connection, portfolio)
    contacts = [row for row in rows if row["role"] == "contact"]
    assert budget is None or sum(row["contact_cost_eur"] for row in contacts) <= budget
    assert capacity is None or len(contacts) <= capacity
    assert len({row["customer_id"] for row in rows}) == len(rows)
    assert {row["customer_id"] for row in rows} & {f"C{number}" for number in opted_out} == set()
    assert all(row["expected_profit_eur"] > 0 for row in rows)


def test_a_list_that_was_handed_over_stays_as_it_is(connection):
    """A new champion scores the month again: who was handed over for contact does not become
    control.
    """
    portfolio = with_campaign(control_share=0.1)
    names = [f"C{number:03d}" for number in range(100)]
    add_scores(connection, {name: 0.5 + 0.004 * place for place, name in enumerate(names)})
    before = listed(connection, portfolio)
    connection.execute("update tiny.monthly_scores set churn_probability = 1.4 - churn_probability")
    assert replace_contact_list(connection, portfolio, JANUARY, is_handed_over=True) == len(before)
    after = connection.execute(
        "select customer_id, role from tiny.contact_list order by list_rank"
    ).fetchall()
    assert after == [(row["customer_id"], row["role"]) for row in before]
    assert listed(connection, portfolio) != before


def test_the_standing_hold_out_is_never_listed_and_always_the_same(connection):
    """About a fifth of 200 customers, in January as in any month; no one of them is contacted."""
    names = [f"C{number:03d}" for number in range(200)]
    add_scores(connection, dict.fromkeys(names, 0.9))
    portfolio = with_campaign(holdout_share=0.2, control_share=0)
    replace_contact_list(connection, portfolio, JANUARY)
    listed = _listed_ids(connection)
    held_out = {
        name
        for (name,) in connection.execute(
            "select customer_id from tiny.monthly_scores where "
            + held_out_sql(portfolio.campaign, "customer_id")
        ).fetchall()
    }
    assert set(names) - listed == held_out
    assert 25 <= len(held_out) <= 55


def test_exploration_draws_a_share_of_the_list_from_those_left_out(connection):
    """40 places of 50 are ranked, 10 drawn from the 960 behind them, inside the same capacity."""
    scores = {f"C{number:04d}": 0.9 - number / 2_000 for number in range(1_000)}
    add_scores(connection, scores)
    portfolio = with_campaign(exploration_share=0.2, capacity=50, control_share=0)
    replace_contact_list(connection, portfolio, JANUARY)
    rows = connection.execute(
        "select customer_id, is_explored from tiny.contact_list order by list_rank"
    ).fetchall()
    ranked = [name for name, is_explored in rows if not is_explored]
    explored = [name for name, is_explored in rows if is_explored]
    assert ranked == sorted(scores)[:40]
    assert len(explored) == 10
    assert not set(explored) & set(ranked)
    replace_contact_list(connection, portfolio, JANUARY)
    assert _listed_ids(connection) == {*ranked, *explored}


def _listed_ids(connection):
    rows = connection.execute("select customer_id from tiny.contact_list").fetchall()
    return {name for (name,) in rows}
