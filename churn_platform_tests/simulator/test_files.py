"""The landed files: shape, keys, times, and what may appear in them."""

from pathlib import Path

import duckdb
import pytest

from churn_platform.simulator.schema import load_telecomit
from churn_platform.simulator.simulate import CAMPAIGN
from churn_platform_tests.simulator.conftest import reader

TELECOMIT = load_telecomit()
WRITTEN = [table for table in TELECOMIT.tables if table.name != CAMPAIGN]
DUCKDB_TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}


def landed(world: Path, table: str, month: str = "2025-02") -> str:
    """The file of a table, quoted for SQL."""
    return f"'{world}/landing/telecomit/{table}/{month}.parquet'"


@pytest.mark.parametrize("table", WRITTEN, ids=lambda table: table.name)
class TestEveryTable:
    """Holds for each table of the spec but the contacts of a campaign, of which this world has
    none.
    """

    def test_columns_and_types(self, small_world, table):
        """A file has the columns of the spec, in its order and types."""
        described = duckdb.sql(
            f"describe select * from {landed(small_world, table.name)}"
        ).fetchall()
        wanted = [(column.header, DUCKDB_TYPES[column.type]) for column in table.columns]
        assert [row[:2] for row in described] == wanted

    def test_levels(self, small_world, table):
        """A column with levels holds all of them and nothing else."""
        for column in table.columns:
            if column.levels:
                found = duckdb.sql(
                    f"select distinct {column.name} from {landed(small_world, table.name)}"
                ).fetchall()
                assert {value for (value,) in found} == set(column.levels)

    def test_required_columns_are_filled(self, small_world, table):
        """A required column has no empty value."""
        for column in table.columns:
            if column.required:
                sql = (
                    f"select count(*) from {landed(small_world, table.name)} "
                    f"where {column.name} is null"
                )
                assert duckdb.sql(sql).fetchone() == (0,)

    def test_key_is_unique(self, query, table):
        """A key names one row within a month and is short enough for DuckDB to hold inline."""
        rows = query(
            f"select count(*), count(distinct (month, {table.key})), "
            f"max(length({table.key})) <= 12 from {table.name}"
        )
        assert rows[0][0] == rows[0][1] > 0
        assert rows[0][2]

    def test_event_time_in_month(self, query, table):
        """An event lies in the month of its file."""
        if table.event_time:
            sql = (
                f"select count(*) from {table.name} where strftime({table.event_time}, "
                "'%Y-%m') <> month"
            )
            assert query(sql) == [(0,)]

    def test_customer_is_known(self, query, table):
        """An event belongs to a customer of the same month."""
        if table.customer:
            sql = (
                f"select count(*) from {table.name} anti join customers using (customer_id, month)"
            )
            assert query(sql) == [(0,)]

    def test_events_within_membership(self, query, table):
        """No event precedes the sign-up or follows the day of leaving."""
        if table.event_time:
            day = f"{table.event_time}::date"
            sql = f"""
                select count(*) from {table.name} join customers using (customer_id, month)
                where {day} < signup_date or {day} > churn_date
            """
            assert query(sql) == [(0,)]


def test_churned_customers_vanish(query):
    """A customer who leaves in M has a churn date in M, the status 'churned' in M, and no row in
    M+1.
    """
    assert query(
        "select count(*) from customers where (status = 'churned') <> (churn_date is not null)"
    ) == [(0,)]
    assert query("select count(*) from customers where strftime(churn_date, '%Y-%m') <> month") == [
        (0,)
    ]
    leavers = "select customer_id, month from customers where status = 'churned'"
    assert query(leavers) != []
    assert query(
        f"select count(*) from ({leavers}) l join customers c using (customer_id) "
        "where c.month > l.month"
    ) == [(0,)]


def test_base_stays_constant(query):
    """New customers replace those who leave."""
    rows = query("select month, count(*) filter (status = 'active') from customers group by 1")
    assert {count for _, count in rows} == {1500}


def test_truth_covers_the_start_of_the_month(query):
    """Truth has one row per customer active at the end of the month before, and agrees with the
    customer file.
    """
    february = "select customer_id, churned from truth where month = '2025-02'"
    january = "select customer_id from customers where month = '2025-01' and status = 'active'"
    assert query(
        f"select count(*) from ({february}) full join ({january}) a using (customer_id)"
    ) == [(1500,)]
    sql = f"""
        select count(*) from ({february}) t join customers c using (customer_id)
        where c.month = '2025-02' and (c.status = 'churned') <> t.churned
    """
    assert query(sql) == [(0,)]


def test_commitments(query):
    """One- and two-year contracts have an end date; prepaid and month-to-month ones have none."""
    wrong = "(contract_type in ('one_year', 'two_year')) <> (contract_end_date is not null)"
    assert query(f"select count(*) from customers where {wrong}") == [(0,)]


def test_contracts_renew_and_drift(query):
    """From month to month some end dates move ahead and some commitments become month to month."""
    pair = (
        "customers a join customers b on a.customer_id = b.customer_id "
        "and a.month = '2025-01' and b.month = '2025-02'"
    )
    assert query(
        f"select count(*) > 0 from {pair} where b.contract_end_date > a.contract_end_date"
    ) == [(True,)]
    drift = "a.contract_type in ('one_year', 'two_year') and b.contract_type = 'month_to_month'"
    assert query(f"select count(*) > 0 from {pair} where {drift}") == [(True,)]


def test_own_phone_numbers_are_unique(query):
    """A number belongs to one customer, and a customer keeps it."""
    rows = query("select count(distinct phone_number), count(distinct customer_id) from customers")
    assert rows[0][0] == rows[0][1]


def test_calls_go_to_a_circle(make_world):
    """A customer has fewer contacts than calls, and keeps most of them in the next month."""
    query = reader(make_world(customers=300, months=2, calls_per_customer=50))
    spoken = "from cdr where record_type <> 'data'"
    assert query(
        f"select count(distinct (customer_id, month, contact_number)) < 0.6 * count(*) {spoken}"
    ) == [(True,)]
    february = f"select customer_id, contact_number {spoken} and month = '2025-02'"
    january = f"select distinct customer_id, contact_number {spoken} and month = '2025-01'"
    kept = query(
        f"select count(*) from ({february}) semi join ({january}) j using (customer_id, "
        "contact_number)"
    )[0][0]
    assert kept > 0.7 * query(f"select count(*) from ({february})")[0][0]


def test_traffic_fields_fit_the_record_type(query):
    """Calls last, data sessions have volume, and only calls and texts have another party."""
    wrong = """
        (record_type = 'voice') <> (duration_s > 0)
        or (record_type = 'data') <> (contact_number is null)
        or (record_type <> 'data' and data_mb <> 0) or (record_type <> 'voice' and is_dropped)
    """
    assert query(f"select count(*) from cdr where {wrong}") == [(0,)]


def test_tickets_end_after_they_open(query):
    """Escalation and resolution follow the opening; some lie after the month, some tickets stay
    open.
    """
    assert query(
        "select count(*) from support_tickets where escalated_at < opened_at "
        "or resolved_at < opened_at"
    ) == [(0,)]
    sql = (
        "select count(*) filter (resolved_at is null) > 0, count(*) filter (strftime(resolved_at, "
        "'%Y-%m') > month) > 0"
    )
    assert query(f"{sql} from support_tickets") == [(True, True)]


def test_late_payments_are_booked_late(query):
    """Days late are never negative and some payments are late."""
    assert query("select min(days_late), max(days_late) > 5 from transactions") == [(0, True)]


def test_some_customers_refuse_contacts_and_keep_to_it(query):
    """About 8 % have opted out, and who has in one month has in the next."""
    assert query(
        "select count(*) between 0.06 * (select count(*) from customers) "
        "and 0.10 * (select count(*) from customers) "
        "from contact_preferences"
    ) == [(True,)]
    gone = query(
        "select count(*) from contact_preferences as before "
        "join customers as after on before.customer_id = after.customer_id "
        "and after.month > before.month "
        "anti join contact_preferences as still "
        "on still.customer_id = after.customer_id and still.month = after.month"
    )
    assert gone == [(0,)]
