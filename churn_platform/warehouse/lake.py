"""Opens the DuckLake: one function that every process uses, for each kind of catalog."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow as pa
from tenacity import (
    RetryError,
    Retrying,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from churn_platform.errors import ChurnError, WarehouseBusyError, WarehouseError
from churn_platform.settings import Settings
from churn_platform.sql import literal
from churn_platform.storage.options import StoreOptions
from churn_platform.warehouse.exclusive_lock import one_maker
from churn_platform.warehouse.extensions import install_extensions
from churn_platform.warehouse.holders import holders_of
from churn_platform.warehouse.lake_store import LakeStore, was_seen
from churn_platform.warehouse.lock import writer_lock
from churn_platform.warehouse.preparation import prepare
from churn_platform.warehouse.quiet import connect_quietly
from churn_platform.warehouse.schema_version import (
    bring_forward,
    newest,
    read_version,
    require_known,
)
from churn_platform.warehouse.server_errors import server_error

NAME = "lake"
CATALOG = f"__ducklake_metadata_{NAME}"
# DuckDB raises one class for all of these, so only the text tells "try again" from "wrong".
BUSY_SIGNS = (
    "database is locked",
    "conflict",
    "could not serialize",
    "deadlock",
    # Of Postgres: DuckLake gave up after its own retries, or two processes made the same row or
    # table at once.
    "maximum retry count",
    "duplicate key",
    '"ducklake_metadata" already exists',  # two hosts make a new lake at once
)


@dataclass(frozen=True)
class Lake:
    """Where a lake is and how to open it."""

    catalog: str
    files: str
    extension_dir: Path
    temp_dir: Path
    threads: int
    memory_limit: str
    wait_seconds: float
    catalog_retries: int = 30
    store: StoreOptions = field(default_factory=StoreOptions)

    @classmethod
    def of(cls, settings: Settings) -> "Lake":
        """The lake that the settings describe.

        The password of a Postgres catalog is left to libpq's own variable. No address has it, so no
        error, no run's output, no profile of dbt and no page of the UI can show it.
        """
        settings.hand_password_to_libpq()
        return cls(
            catalog=settings.lake_catalog,
            files=settings.lake_files,
            extension_dir=settings.extension_dir,
            temp_dir=settings.root / "tmp",
            threads=settings.duckdb_threads,
            memory_limit=settings.duckdb_memory_limit,
            wait_seconds=settings.warehouse_wait_seconds,
            catalog_retries=settings.catalog_retries,
            store=settings.store_options,
        )

    @cached_property
    def opened(self) -> LakeStore:
        """The files, without DuckDB."""
        return LakeStore(self.files, self.store)

    @property
    def sqlite_path(self) -> Path | None:
        """The catalog's file, for an SQLite catalog."""
        kind, _, rest = self.catalog.partition(":")
        return Path(rest) if kind == "sqlite" else None

    def config(self) -> dict[str, str | bool | int | float | list[str]]:
        """DuckDB's configuration for a connection to this lake."""
        # Signatures of extensions are checked when they are installed. Checking them again would
        # hash 72 MB for each connection, a quarter of a second.
        return {
            "extension_directory": str(self.extension_dir),
            # No download at run time: extensions come from their wheels, so a machine without
            # network works.
            "autoinstall_known_extensions": False,
            "allow_unsigned_extensions": True,
            "temp_directory": str(self.temp_dir),
            "threads": self.threads,
            "memory_limit": self.memory_limit,
            "custom_user_agent": "churn_platform",
        }

    def attach_options(self, *, read_only: bool = False) -> dict[str, str | int]:
        """Options of ATTACH; the SQLite catalog runs in WAL mode, so readers never wait for a
        writer.

        The settings say where the files are, not the catalog, which keeps the place where
        it was made: so a data folder can be moved. `require_files` notices a place without them.
        """
        options: dict[str, str | int] = {"DATA_PATH": self.files, "OVERRIDE_DATA_PATH": True}
        if self.sqlite_path:
            # Not enough by itself: SQLite refuses at once, without waiting, when two open
            # transactions both want to commit. Hence the writer lock and `attempts`.
            options["META_BUSY_TIMEOUT"] = int(self.wait_seconds * 1000)
            if not read_only:
                options["META_JOURNAL_MODE"] = "WAL"

        if read_only:
            options["READ_ONLY"] = "true"

        return options


def connect(lake: Lake, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection whose default database is the lake, made first where it is new.

    A lake of an older version is brought forward by the first connection that may write.
    Read-only refuses every write. WarehouseError if the lake cannot be opened, is of a newer
    version, or does not exist yet and read-only was asked for; WarehouseBusyError if its catalog
    stayed locked.
    """
    path = lake.sqlite_path
    if path is not None and read_only and not _is_made(path):
        raise WarehouseError(  # before anything is made, folders and extensions included
            f"no warehouse at {path}; change to the project's folder, or set CHURN_DATA_DIR to its "
            "data folder (`make demo` or materializing an asset makes a new one)"
        )

    install_extensions(lake.extension_dir)
    # Only making a new SQLite catalog takes the lock: later calls must not wait for it.
    if path is None or _is_made(path):
        return _attached(lake, read_only=read_only)

    with one_maker(path, what="the warehouse"):
        return _attached(lake, read_only=False)


def _is_made(path: Path) -> bool:
    """Whether an SQLite catalog has its tables, which are committed together; what is no catalog is
    left to DuckDB.
    """
    if not path.exists():
        return False

    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as catalog:
            query = "select 1 from sqlite_master where name = 'ducklake_metadata'"
            return catalog.execute(query).fetchone() is not None
    except sqlite3.Error:
        return True


def _attached(lake: Lake, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    connection = connect_quietly(lake.config())
    given = []
    for key, value in lake.attach_options(read_only=read_only).items():
        written = str(value) if isinstance(value, int) else literal(value)
        given.append(f"{key} {written}")

    options = ", ".join(given)
    try:
        prepare(
            connection,
            catalog=lake.catalog,
            files=lake.files,
            store=lake.store,
            catalog_retries=lake.catalog_retries,
        )
        # ATTACH writes when the lake is new, so it can meet another process too.
        attempts(lake)(
            connection.execute,
            f"attach {literal(f'ducklake:{lake.catalog}')} as {NAME} ({options})",
        )
        connection.execute(f"use {NAME}")
        require_files(connection, lake)
        _require_version(connection, lake, read_only=read_only)
    except RetryError as error:
        connection.close()
        raise busy_error(lake) from error
    except duckdb.Error as error:
        connection.close()
        told = server_error(error, catalog=lake.catalog, files=lake.files, store=lake.store)
        raise told or WarehouseError(
            f"cannot open the warehouse ducklake:{lake.catalog}: {error}"
        ) from error
    except ChurnError:
        connection.close()
        raise

    return connection


def _require_version(connection: duckdb.DuckDBPyConnection, lake: Lake, *, read_only: bool) -> None:
    """Refuse a lake of a newer version, and bring an older one forward where it may be written."""
    found = read_version(connection, CATALOG)
    require_known(found, lake.catalog)
    if not read_only and found.version < newest():
        with writer_lock(lake):
            attempts(lake)(bring_forward, connection, CATALOG, lake.catalog)


def require_files(connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """WarehouseError if the lake's files are elsewhere: it was moved without them, or a wrong
    place is set. StoreError if the store cannot be used.
    """
    if _has_files(lake):
        return

    row = connection.execute(
        f"select count(*), (select value from {CATALOG}.ducklake_metadata where key = 'data_path') "
        f"from {CATALOG}.ducklake_data_file where end_snapshot is null"
    ).fetchone()
    if row and row[0]:
        raise WarehouseError(
            f"the warehouse ducklake:{lake.catalog} has {row[0]:,} files, "
            f"and there are none in {lake.files}; they "
            f"were made in {row[1]}: move them, or set CHURN_LAKE_DATA_PATH to their folder"
        )


def _has_files(lake: Lake) -> bool:
    if not lake.opened.is_remote:
        return lake.opened.exists()
    try:
        return was_seen(lake.files, lake.store)
    except LookupError:
        return False


def attempts(lake: Lake) -> Retrying:
    """Calls again while the catalog is busy; RetryError after the lake's `wait_seconds`."""
    # Opening needs it too: of two processes that make a lake at once, SQLite refuses one without
    # waiting.
    return Retrying(
        retry=retry_if_exception(is_busy),
        stop=stop_after_delay(lake.wait_seconds),
        # Random waits: two processes that collided once would otherwise collide again.
        wait=wait_random_exponential(multiplier=0.1, max=2),
    )


def stream(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: list | dict, *, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """The query's result in Arrow batches, on a cursor of its own: a half-read result would block
    the connection.
    """
    # A cursor is a connection of its own: it does not know the default database.
    with connection.cursor() as cursor:
        cursor.execute(f"use {NAME}")
        yield from cursor.execute(query, parameters).to_arrow_reader(batch_rows)


def is_busy(error: BaseException) -> bool:
    """Whether the error means that another process held the catalog, so that trying again makes
    sense.
    """
    return isinstance(error, duckdb.Error) and says_busy(str(error))


def says_busy(text: str) -> bool:
    """Whether an error's text, which is all that dbt keeps of one, means the same."""
    words = text.lower()
    return any(sign in words for sign in BUSY_SIGNS)


def busy_error(lake: Lake) -> WarehouseBusyError:
    """The error that says how long was waited, and for which process."""
    holders = holders_of(lake.sqlite_path) if lake.sqlite_path else []
    return WarehouseBusyError(
        f"the catalog {lake.catalog} stayed busy for {lake.wait_seconds:g} s, held by "
        f"{', '.join(holders) or 'another session'}; wait for it to finish, or "
        "set CHURN_WAREHOUSE_WAIT_SECONDS higher"
    )
