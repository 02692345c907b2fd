"""Commands on data."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from churn_platform.audit.trail_file import read_records
from churn_platform.data_contract.profile_tables import COLUMNS
from churn_platform.errors import DataError
from churn_platform.settings import Settings
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.cli.conftest import Churn

ACCEPT = ("accept-data", "telecomit", "--month", "2025-02", "--reason", "a switch was replaced")


@pytest.fixture
def broken(settings: Settings, extensions: Path) -> Lake:
    """A lake in which the calls of February are too few."""
    settings.root.mkdir(parents=True, exist_ok=True)
    settings.extension_dir.symlink_to(extensions)
    lake = Lake.of(settings)
    with closing(connect(lake)) as connection:
        ensure_table(connection, "telecomit.data_contract", COLUMNS)
        connection.execute(
            "insert into telecomit.data_contract (month, table_name, measure, is_sound, "
            "complaint) values "
            "('2025-02-01', 'cdr', 'rows', false, 'cdr: rows 1'), ('2025-02-01', 'cdr', 'zero', "
            "true, null)"
        )
    return lake


def test_an_acceptance_is_recorded_and_the_month_is_delivered_anew(
    churn: Churn, settings: Settings, broken: Lake
):
    """The month blocks no more, the trail says who overruled what, and the landing sensor sees its
    files as new.
    """
    file = settings.landing_dir / "telecomit" / "cdr" / "2025-02.csv"
    file.parent.mkdir(parents=True)
    file.touch()
    os.utime(file, (0, 0))
    assert "cdr: rows 1" in churn(*ACCEPT).stdout
    with closing(connect(broken, read_only=True)) as connection:
        rows = connection.execute(
            "select is_sound, accepted_because from telecomit.data_contract"
        ).fetchall()
    assert rows == [(True, "a switch was replaced")] * 2
    (record,) = read_records(settings.audit_path)
    assert (record.action, record.subject) == ("data_acceptance", "month 2025-02")
    assert record.details == {"complaints": ["cdr: rows 1"]}
    assert file.stat().st_mtime > 0
    with pytest.raises(DataError, match="nothing to accept"):
        churn(*ACCEPT)


def test_a_month_that_never_came_cannot_be_accepted(churn: Churn, settings: Settings, broken: Lake):
    """It is not taken for a sound one, and nothing is recorded."""
    with pytest.raises(
        DataError, match="telecomit has no feeds of 2031-01: that month has not been taken in"
    ):
        churn("accept-data", "telecomit", "--month", "2031-01", "--reason", "x")
    assert not settings.audit_path.exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("--first-month", "9999-12"),
            "'9999-12' is out of range; give a month from 1970-01 to 2099-12",
        ),
        (("--first-month", "0001-01"), "'0001-01' is out of range"),
        (
            ("--first-month", "1990-01"),
            "--first-month 1990-01-01: Input should be greater than or equal to 2000-01-01",
        ),
        (("--months", "241"), "--months 241: Input should be less than or equal to 240"),
        (("--calls-per-customer", "0"), "--calls-per-customer 0.0: Input should be greater than 0"),
        (
            ("--scenario-month", "2030-01"),
            "--scenario-month 2030-01-01: Value error, not one of the simulated months",
        ),
        (("--write-from", "2026-07"), "--write-from 2026-07 is after the last month, 2026-06"),
    ],
)
def test_a_simulation_out_of_range_is_refused(
    refusal, settings: Settings, arguments: tuple[str, ...], told: str
):
    """With the option and its value; nothing is written."""
    assert told in refusal("simulate", "--customers", "1", *arguments)
    assert not settings.root.exists()


def test_a_simulation_goes_on_from_its_first_month(churn: Churn, settings: Settings):
    """Months that are there keep their bytes: a world that begins in another month is another
    world.
    """
    few = ("--customers", "20", "--calls-per-customer", "1")
    churn("simulate", *few, "--first-month", "2025-03", "--months", "2")
    customers = settings.landing_dir / "telecomit" / "customers"
    before = {path.name: path.read_bytes() for path in customers.iterdir()}
    churn("simulate", *few, "--months", "3")
    after = {path.name: path.read_bytes() for path in customers.iterdir()}
    assert sorted(path.partition(".")[0] for path in after) == ["2025-03", "2025-04", "2025-05"]
    assert before.items() <= after.items()


def test_dbt_builds_event_tables_alone(refusal):
    """A snapshot's features are made of its one table."""
    said = refusal("dbt", "--portfolio", "ibm_telco", "build")
    assert said.startswith("ibm_telco has no event tables, and no dbt models")


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_dbt_wants_a_command(refusal, arguments: tuple[str, ...]):
    """Its own message would be about options that nobody gave."""
    assert refusal("dbt", *arguments).startswith("no dbt command given; ")
