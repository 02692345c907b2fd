"""Contacts change what customers do, as their type has it, and nothing else in the world."""

from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_platform.errors import DataError
from churn_platform.simulator import SimulationConfig, plans_from, simulate
from churn_platform.simulator.campaign import ContactPlan
from churn_platform.simulator.response import ResponseType
from churn_platform_tests.simulator.test_simulate import digests
from churn_platform_tests.support.invariants import invariant

FEBRUARY, MARCH = date(2025, 2, 1), date(2025, 3, 1)
CONFIG = SimulationConfig(
    customers=20_000, first_month=date(2025, 1, 1), months=2, seed=7, calls_per_customer=1
)


def everybody(month):
    """A plan to contact customers 1 to 20,000 in February."""
    if month != FEBRUARY:
        return None
    numbers = np.arange(1, 20_001)
    words = [np.full(20_000, word, dtype=object) for word in ("phone", "discount")]
    return ContactPlan(numbers, *words, np.full(20_000, 35.0))


@pytest.fixture(scope="module")
def campaign_world(tmp_path_factory):
    """A world in which everybody of the founding base is contacted in February."""
    folder = tmp_path_factory.mktemp("campaign")
    simulate(CONFIG, folder / "landing", folder / "truth", plans=everybody)
    return folder


def contacts(world):
    """February's contacts as a file name for SQL."""
    return f"'{world}/landing/telecomit/campaign_contacts/2025-02.parquet'"


@invariant("Campaign", "But for contacts, the simulated world is the same byte by byte.")
def test_the_same_plans_give_the_same_bytes(campaign_world, tmp_path):
    """A second run with contacts writes the same files; before the campaign they are those of a
    world without.
    """
    simulate(CONFIG, tmp_path / "again/landing", tmp_path / "again/truth", plans=everybody)
    simulate(CONFIG, tmp_path / "plain/landing", tmp_path / "plain/truth")
    assert digests(tmp_path / "again") == digests(campaign_world)
    assert digests(tmp_path / "plain", before="2025-02") == digests(
        campaign_world, before="2025-02"
    )
    assert digests(tmp_path / "plain") != digests(campaign_world)


def test_a_month_written_alone_is_the_same(campaign_world, tmp_path):
    """Earlier months are lived, not written."""
    simulate(CONFIG, tmp_path / "landing", tmp_path / "truth", plans=everybody, write_from=FEBRUARY)
    written = digests(tmp_path)
    assert {path.split("/")[-1] for path in written} == {"2025-02.parquet"}
    assert written == {
        path: digest for path, digest in digests(campaign_world).items() if path in written
    }


def test_outcomes_follow_the_truth_of_each_type(campaign_world):
    """Of each type as many leave as announced: persuadables fewer than without a contact, sleeping
    dogs more, the others as many.
    """
    rows = duckdb.sql(f"""
        select response_type, sum(churned::int), sum(churn_probability),
            sum(churn_probability_if_contacted)
        from '{campaign_world}/truth/2025-02.parquet' where customer_id <= 'T00020000' group by 1
    """).fetchall()
    found = {kind: (left, without, contacted) for kind, left, without, contacted in rows}
    assert set(found) == {kind.name.lower() for kind in ResponseType}
    for left, _, contacted in found.values():
        assert abs(left - contacted) < 4 * contacted**0.5
    ratio = {kind: contacted / without for kind, (_, without, contacted) in found.items()}
    assert ratio["persuadable"] < 0.5
    assert ratio["sleeping_dog"] > 1.3
    assert [ratio["sure_thing"], ratio["lost_cause"]] == pytest.approx([1, 1])


def test_contacts_keep_the_landing_contract(campaign_world):
    """Nine in ten were reached, in the month, once, before they left; some took the offer, at the
    planned cost.
    """
    rows = duckdb.sql(f"""
        select count(*), count(distinct customer_id), count(distinct contact_id),
            count(*) filter (is_accepted),
            min(contacted_at)::date, max(contacted_at)::date,
            min(cost_eur), max(cost_eur), any_value(offer)
        from {contacts(campaign_world)}
    """).fetchall()
    (count, customers, ids, accepted, first, last, *rest) = rows[0]
    base = duckdb.sql(
        f"select count(*) from '{campaign_world}/truth/2025-02.parquet' "
        "where customer_id <= 'T00020000'"
    ).fetchall()[0][0]
    assert count == customers == ids
    assert 0.88 * base < count < 0.92 * base
    assert 0.3 * count < accepted < 0.8 * count
    assert (first, last) == (FEBRUARY, date(2025, 2, 10))
    assert rest == [35, 35, "discount"]
    left_before = duckdb.sql(f"""
        select count(*) from {contacts(campaign_world)} as contacts
        join '{campaign_world}/landing/telecomit/customers/2025-02.parquet' as customers
            using (customer_id)
        where contacts.contacted_at::date > customers.churn_date
    """).fetchall()
    assert left_before == [(0,)]


def test_a_plan_is_read_from_the_list_handed_over(tmp_path):
    """February's contacts are January's list; a month without a list has none; another operator's
    ids are refused.

    A month that is over and not written again had those contacts alone that have landed.
    """
    folder = tmp_path / "2025-01"
    folder.mkdir()
    columns = {
        "customer_id": ["T00000002"],
        "channel": ["phone"],
        "offer": ["discount"],
        "contact_cost_eur": [35.0],
    }
    pq.write_table(pa.table(columns), folder / "contact_list.parquet")
    landed = tmp_path / "campaign_contacts"
    plan = plans_from(tmp_path, landed)(FEBRUARY)
    assert (plan.number.tolist(), plan.offer.tolist(), plan.cost_eur.tolist()) == (
        [2],
        ["discount"],
        [35.0],
    )
    assert plans_from(tmp_path, landed)(MARCH) is None
    assert plans_from(tmp_path, landed, write_from=MARCH)(FEBRUARY) is None
    landed.mkdir()
    (landed / "2025-02.parquet").touch()
    assert plans_from(tmp_path, landed, write_from=MARCH)(FEBRUARY) is not None
    pq.write_table(
        pa.table(columns | {"customer_id": ["1234-ABCD"]}), folder / "contact_list.parquet"
    )
    with pytest.raises(DataError, match="'1234-ABCD' is no customer of a simulated operator"):
        plans_from(tmp_path, landed)(FEBRUARY)
