"""The version of the lake's tables: which one a lake has, and the steps that bring an older one
forward.

A lake without a version was made before versions were kept, and has the first. To change a table
that exists in lakes of others, add a step to `STEPS`.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import duckdb

from churn_platform.errors import WarehouseError

FIRST = 1
KEY, WRITER_KEY = "churn_platform_schema", "churn_platform_schema_by"
logger = logging.getLogger(__name__)


def _nothing(connection: duckdb.DuckDBPyConnection) -> None:
    """The tables are as they were."""


@dataclass(frozen=True)
class Step:
    """Brings a lake from the version before to `version`.

    `change` may have been cut short and run again, so it must be idempotent. It only adds: an older
    state is read by whoever opens the lake read-only before its first writer.
    """

    version: int
    does: str
    change: Callable[[duckdb.DuckDBPyConnection], None] = _nothing


STEPS: Sequence[Step] = (Step(2, "the lake notes its version; its tables are as they were"),)


@dataclass(frozen=True)
class Noted:
    """The version that a lake has, and the release of the platform that wrote it."""

    version: int
    writer: str


def newest() -> int:
    """The version that this code writes."""
    return STEPS[-1].version


def release() -> str:
    """The release of the running code."""
    return version("churn-platform")


def read_version(connection: duckdb.DuckDBPyConnection, catalog: str) -> Noted:
    """The version noted in the lake's catalog, the attached database `catalog`."""
    rows = connection.execute(
        f"select key, value from {catalog}.ducklake_metadata where key in (?, ?)",
        [KEY, WRITER_KEY],
    ).fetchall()

    noted = dict(rows)
    number = int(noted.get(KEY, FIRST))
    writer = noted.get(WRITER_KEY, "an earlier release")
    return Noted(number, writer)


def require_known(found: Noted, lake: str) -> None:
    """WarehouseError if the lake is of a version that this code does not know."""
    if found.version > newest():
        raise WarehouseError(
            f"the warehouse {lake} has schema {found.version}, written by churn-platform "
            f"{found.writer}, and this code, churn-platform {release()}, knows schema {newest()}; "
            "update the code (`git pull && make setup`), or restore a back-up from before the "
            "update into an empty folder (`churn backups`, `churn restore --name`)"
        )


def bring_forward(connection: duckdb.DuckDBPyConnection, catalog: str, lake: str) -> None:
    """Carry out the steps that the lake lacks, and note the version; to be called as the only
    writer, and again if another process was in the way.
    """
    found = read_version(connection, catalog)
    if found.version >= newest():
        return  # another process was first

    # An empty lake gets its tables from this code, so that no step has anything to change.
    lacking = []
    if not _is_empty(connection, catalog):
        for step in STEPS:
            if step.version > found.version:
                lacking.append(step)

    for step in lacking:
        step.change(connection)

    _note(connection, catalog)

    if lacking:
        done = [f"{step.version}: {step.does}" for step in lacking]
        # A warning, so that it is shown wherever the process writes, without any set-up.
        logger.warning(
            "the warehouse %s was brought from schema %s to %s (%s)",
            *(lake, found.version, newest(), "; ".join(done)),
        )


def _is_empty(connection: duckdb.DuckDBPyConnection, catalog: str) -> bool:
    row = connection.execute(f"select count(*) from {catalog}.ducklake_table").fetchone()
    return row == (0,)


def _note(connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
    # After the steps and not with them: DuckDB takes no transaction that writes to the lake and to
    # its catalog. A kill in between leaves the old version, and the steps run again.
    table = f"{catalog}.ducklake_metadata"
    connection.execute("begin")
    try:
        connection.execute(f"delete from {table} where key in (?, ?)", [KEY, WRITER_KEY])
        connection.execute(
            f"insert into {table} (key, value) values (?, ?), (?, ?)",
            [KEY, str(newest()), WRITER_KEY, release()],
        )
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
