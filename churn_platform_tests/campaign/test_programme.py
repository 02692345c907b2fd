"""What all campaigns together have changed, against the customers who are never contacted."""

import pytest

from churn_platform.campaign.contact_list import held_out_sql
from churn_platform.campaign.programme import PROGRAMME, find_programme
from churn_platform.ingest.recorded_outcomes import CONTACTS
from churn_platform.ingest.snapshot import LABEL_COLUMNS
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.campaign.conftest import add_scores, with_campaign
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY

PORTFOLIO = with_campaign(holdout_share=0.2)
HELD_OUT = held_out_sql(PORTFOLIO.campaign, "customer_id")
COLUMNS = {
    "month": "date",
    "customer_id": "varchar",
    "is_accepted": "boolean",
    "cost_eur": "double",
}


@pytest.fixture
def scored(connection):
    """40 customers with January's scores, on no list, and neither contacts nor labels yet."""
    add_scores(connection, {f"C{number:02}": 0.5 for number in range(40)})
    ensure_table(connection, f"tiny_raw.{CONTACTS}", COLUMNS)
    ensure_table(connection, "tiny.churn_labels", LABEL_COLUMNS)
    return connection


def mature(connection, which: str = "true") -> None:
    """February's labels of some customers: whoever is held out left, nobody else did."""
    connection.execute(
        "insert into tiny.churn_labels by name select ?::date as month, "
        f"month as features_month, customer_id, {HELD_OUT} as churned "
        f"from tiny.monthly_scores where {which}",
        [FEBRUARY],
    )


def contact(connection, month, cost_eur: float | None) -> None:
    """A contact of the first customer outside the hold-out."""
    connection.execute(
        f"insert into tiny_raw.{CONTACTS} select ?, min(customer_id), true, ?::double "
        f"from tiny.monthly_scores where not {HELD_OUT}",
        [month, cost_eur],
    )


def test_everybody_outside_the_hold_out_is_treated_listed_or_not(scored):
    """All of the hold-out left, all others stayed: each is 180 EUR, less the two contacts of
    February, one at its own cost and one at the usual 35; January's were of another month.
    """
    contact(scored, FEBRUARY, 50)
    contact(scored, FEBRUARY, None)
    contact(scored, JANUARY, 1_000)
    mature(scored)
    row = find_programme(scored, PORTFOLIO, FEBRUARY)
    treated = row["treated"]
    assert 0 < row["control"] < treated
    assert treated + row["control"] == 40
    assert (row["period"], row["contacted"], row["control_contacted"]) == (PROGRAMME, 1, 0)
    assert (row["effect"], row["kept"], row["response_rate"]) == (1.0, treated, 1.0)
    assert row["cost_eur"] == 85
    assert row["profit_eur"] == pytest.approx(180 * treated - 85)


@pytest.mark.parametrize("which", ["false", HELD_OUT, f"not {HELD_OUT}"])
def test_one_side_alone_is_no_comparison(scored, which):
    """Nor is none."""
    mature(scored, which)
    assert find_programme(scored, PORTFOLIO, FEBRUARY) is None


def test_without_a_hold_out_nothing_is_compared(scored):
    """Whatever has matured."""
    mature(scored)
    assert find_programme(scored, with_campaign(holdout_share=0.0), FEBRUARY) is None
