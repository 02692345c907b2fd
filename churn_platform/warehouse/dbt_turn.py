"""Hosts that share a catalog on Postgres run dbt one after another.

DuckLake refuses a transaction that deletes and inserts in a table in which another host does the
same, also for another month. The platform's own writers begin again; dbt takes that for a failure
and loses its whole invocation. Four hosts that backfilled at once were still in each other's way
after 18 new beginnings.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import duckdb

from churn_platform.errors import WarehouseBusyError
from churn_platform.sql import literal
from churn_platform.warehouse.quiet import connect_quietly

if TYPE_CHECKING:
    from churn_platform.warehouse.lake import Lake

POSTGRES = "postgres:"
# Any number that nothing else in the database locks: the letters of "dbt".
LOCK = 0x646274
POLL_SECONDS = 0.5


@contextmanager
def dbt_turn(lake: "Lake", *, poll_seconds: float = POLL_SECONDS) -> Iterator[None]:
    """Hold the right to run dbt on the lake; WarehouseBusyError if another host keeps it for longer
    than `wait_seconds`. On an SQLite catalog nothing: there the lock of writers orders dbt.
    """
    if not lake.catalog.startswith(POSTGRES):
        yield
        return

    with closing(connect_quietly(lake.config())) as connection:
        connection.execute("load postgres_scanner")
        address = literal(lake.catalog.removeprefix(POSTGRES))
        connection.execute(f"attach {address} as catalog (type postgres, read_only)")
        # The lock is one of Postgres's transaction, so it goes with this connection however the
        # process ends: there is no lease that a killed host would leave.
        connection.begin()
        end = time.monotonic() + lake.wait_seconds
        while not _is_ours(connection):
            if time.monotonic() >= end:
                raise WarehouseBusyError(
                    f"another host runs dbt on this lake for more than {lake.wait_seconds:g} s; "
                    "wait for it to finish, or set CHURN_WAREHOUSE_WAIT_SECONDS higher"
                )
            time.sleep(poll_seconds)

        try:
            yield
        finally:
            connection.rollback()


def _is_ours(connection: duckdb.DuckDBPyConnection) -> bool:
    asked = f"select pg_try_advisory_xact_lock({LOCK}) as ours"
    found = connection.execute(f"from postgres_query('catalog', {literal(asked)})").fetchone()
    assert found is not None
    return bool(found[0])
