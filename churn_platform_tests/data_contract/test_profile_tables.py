"""Data contracts on a simulated operator: what stops a month, and what does not."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
import pytest

from churn_platform.data_contract.profile_tables import (
    accept_month,
    check_month,
    read_complaints,
    read_history,
    require_sound,
)
from churn_platform.errors import DataError
from churn_platform.ingest.load import load_month
from churn_platform.monitoring.monitoring_tables import read_broken_months
from churn_platform.months import month_range
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform.simulator.schema import load_telecomit
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import transaction
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny_lake import tiny_lake

TELECOMIT = load_telecomit()
FIRST, BROKEN, LAST = date(2025, 1, 1), date(2025, 5, 1), date(2025, 6, 1)
CHANGED = ("telecomit.data_contract", "telecomit_raw.transactions")
Connection = duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class World:
    """Six months of an operator, loaded and checked month by month, and what was wrong in each."""

    folder: Path
    lake: Lake
    connection: Connection
    complaints: dict[date, list[str]]


def world(folder: Path, extensions: Path, scenario: str) -> World:
    """1,500 customers, disturbed in the fifth month."""
    config = SimulationConfig(
        customers=1_500,
        months=6,
        seed=5,
        scenario=scenario,
        scenario_month=BROKEN,
        calls_per_customer=3,
    )
    simulate(config, folder / "landing", folder / "truth")
    lake = tiny_lake(folder, extensions)
    connection = connect(lake)
    complaints = {}
    for month in month_range(FIRST, LAST):
        complaints[month] = take(connection, lake, folder, month)

    return World(folder, lake, connection, complaints)


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory, extensions: Path) -> Iterator[World]:
    """The operator whose feed breaks, made once."""
    made = world(tmp_path_factory.mktemp("broken"), extensions, "broken_feed")
    with closing(made.connection):
        yield made


@pytest.fixture
def broken(taken_in: World) -> Iterator[World]:
    """The same, put back afterwards."""
    connection = taken_in.connection
    before = {}
    for table in CHANGED:
        before[table] = connection.execute(f"select * from {table}").to_arrow_table()

    yield taken_in
    # Not by `at (version => ...)`, which does not see the files that the transaction drops.
    with transaction(connection):
        for table, rows in before.items():
            connection.register("kept_rows", rows)
            connection.execute(f"delete from {table}")
            connection.execute(f"insert into {table} select * from kept_rows")
            connection.unregister("kept_rows")


def take(connection: Connection, lake: Lake, folder: Path, month: date) -> list[str]:
    """Load a month of every table and check it; what is wrong."""
    found = []
    for table in TELECOMIT.landed_tables:
        load_month(
            connection,
            lake,
            TELECOMIT,
            table,
            month,
            landing_dir=folder / "landing",
            hash_key="0123456789abcdef" * 4,
        )
        if not table.optional:
            found += check_month(connection, lake, TELECOMIT, table, month)
    return found


def test_a_broken_feed_is_caught_in_its_month(taken_in: World):
    """Lost calls and amounts in cents are named, and no other month is."""
    connection, complaints = taken_in.connection, taken_in.complaints
    assert {month for month, found in complaints.items() if found} == {BROKEN}
    assert any(words.startswith("cdr: rows per customer") for words in complaints[BROKEN])
    assert any(
        "transactions.amount_eur" in words and "cents" in words for words in complaints[BROKEN]
    )
    assert read_broken_months(connection, "telecomit", LAST) == {BROKEN}
    with pytest.raises(DataError, match="2025-05: cdr: rows per customer"):
        require_sound(connection, TELECOMIT, [FIRST, BROKEN])
    require_sound(connection, TELECOMIT, [FIRST, LAST])


@pytest.mark.parametrize("scenario", ["harmless_mix", "price_rise", "competitor"])
@invariant("Time and data", "A business that changes is not taken for a broken feed.")
def test_a_changing_business_is_no_broken_feed(tmp_path: Path, extensions: Path, scenario: str):
    """Takeovers, price rises and competitors are what drift is for: no month is stopped."""
    made = world(tmp_path, extensions, scenario)
    made.connection.close()
    assert [words for found in made.complaints.values() for words in found] == []


def test_a_broken_month_is_no_history(taken_in: World):
    """Later months are compared with sound ones."""
    rows = [
        month[("", "rows per customer")]
        for month in read_history(taken_in.connection, TELECOMIT, TELECOMIT.table("cdr"), LAST)
    ]
    assert len(rows) == 4
    assert min(rows) > 0.5 * max(rows)


def test_checking_again_changes_nothing(broken: World):
    """A month is judged the same when it is repeated, later months in place or not."""
    connection = broken.connection
    before = connection.execute("select * from telecomit.data_contract order by all").fetchall()
    assert take(connection, broken.lake, broken.folder, BROKEN) == broken.complaints[BROKEN]
    assert (
        connection.execute("select * from telecomit.data_contract order by all").fetchall()
        == before
    )


def test_an_accepted_month_blocks_no_more(broken: World):
    """Acceptance survives a repeated check, and later months are compared with
    the new level alone.
    """
    connection, lake, complaints = broken.connection, broken.lake, broken.complaints
    told: list[list[str]] = []
    overruled = accept_month(
        connection, lake, TELECOMIT, BROKEN, "switched to cents", record=told.append
    )
    assert sorted(overruled) == sorted(complaints[BROKEN])
    assert told == [overruled]
    assert take(connection, lake, broken.folder, BROKEN) == []
    assert read_complaints(connection, TELECOMIT, BROKEN) == []
    assert len(read_history(connection, TELECOMIT, TELECOMIT.table("cdr"), LAST)) == 1
    with pytest.raises(DataError, match="nothing to accept"):
        accept_month(connection, lake, TELECOMIT, BROKEN, "again", record=told.append)


def test_an_accepted_month_is_complained_of_when_it_breaks_in_another_way(broken: World):
    """What was accepted is the fault that was seen, not whatever is delivered
    for the month later.
    """
    connection, lake = broken.connection, broken.lake
    accept_month(connection, lake, TELECOMIT, BROKEN, "switched to cents", record=lambda told: None)
    amounts = "update telecomit_raw.transactions set amount_eur = amount_eur * {} where month = ?"
    check = partial(
        check_month, connection, lake, TELECOMIT, TELECOMIT.table("transactions"), BROKEN
    )
    connection.execute(amounts.format(1.01), [BROKEN])
    assert check() == []
    connection.execute(amounts.format(1000), [BROKEN])
    assert any("transactions.amount_eur: size" in words for words in check())
    with pytest.raises(DataError, match=r"2025-05: transactions\.amount_eur"):
        require_sound(connection, TELECOMIT, [BROKEN])


def test_without_checks_nothing_is_blocked(lake: Lake):
    """A warehouse whose months were never checked can be scored."""
    with closing(connect(lake)) as connection:
        require_sound(connection, TELECOMIT, [FIRST])
