"""Opens a source for reading in a DuckDB of its own, apart from the lake: the lake's connection
never knows an operator's credentials.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from churn_platform.portfolios.sources import (
    AzureSource,
    DeltaSource,
    FilesSource,
    IcebergSource,
    MysqlSource,
    OdbcSource,
    Origin,
    PostgresSource,
    Source,
    SqliteSource,
)
from churn_platform.portfolios.spec import FileOptions
from churn_platform.settings import Settings
from churn_platform.sources.credentials import Credentials
from churn_platform.sources.failures import told
from churn_platform.sources.file_relation import file_relation
from churn_platform.sql import identifier, literal
from churn_platform.warehouse.extensions import install_extensions
from churn_platform.warehouse.quiet import connect_quietly

NAME = "source"
HANDLE = "odbc_handle"
EXTENSIONS: dict[str, tuple[str, ...]] = {
    "postgres": ("postgres_scanner",),
    "mysql": ("mysql_scanner",),
    "sqlite": ("sqlite_scanner",),
    "odbc": ("odbc_scanner",),
    "files": ("httpfs", "aws"),
    "delta": ("httpfs", "aws", "delta"),
    "iceberg": ("httpfs", "aws", "avro", "iceberg"),
    "azure": ("azure",),
}
Stored = FilesSource | DeltaSource | IcebergSource


@dataclass(frozen=True)
class Resources:
    """What a reading may use of this machine, and where secrets and extensions are."""

    extension_dir: Path
    temp_dir: Path
    secrets_dir: str = ""
    threads: int = 1
    memory_limit: str = "1GB"

    @classmethod
    def of(cls, settings: Settings) -> "Resources":
        """What the settings allow."""
        return cls(
            extension_dir=settings.extension_dir,
            temp_dir=settings.root / "tmp",
            secrets_dir=settings.secrets_dir,
            threads=settings.duckdb_threads,
            memory_limit=settings.duckdb_memory_limit,
        )


@dataclass(frozen=True)
class OpenSource:
    """A source that can be read through `connection`, for as long as it is open."""

    name: str
    spec: Source
    connection: duckdb.DuckDBPyConnection
    credentials: Credentials

    def relation(self, origin: Origin, first: date, end: date, options: FileOptions) -> str:
        """What stands behind `from`: a table, a query of one month, or the files of one."""
        if origin.query is not None:
            query = origin.query.replace("{month_start}", f"{first}")
            query = query.replace("{month_end}", f"{end}")
            # It becomes a part of a statement, where a semicolon cannot be.
            query = query.rstrip("; \n")
            return self.query_relation(query)
        if origin.path is not None:
            assert isinstance(self.spec, FilesSource | AzureSource)
            return file_relation(self.spec.location, origin.path, first, options)

        table = str(origin.table)
        if isinstance(self.spec, DeltaSource):
            where = literal(_below(self.spec.location, table))
            return f"delta_scan({where})"
        if isinstance(self.spec, IcebergSource):
            where = literal(_below(self.spec.location, table))
            # Its metadata names files absolutely, as they were where it was written.
            return f"iceberg_scan({where}, allow_moved_paths = true)"
        if isinstance(self.spec, OdbcSource):
            return self.query_relation(f"select * from {table}")
        return attached_table(table)

    def query_relation(self, query: str) -> str:
        """A query that the database itself carries out; DuckDB does for a file of SQLite."""
        if isinstance(self.spec, PostgresSource):
            return f"postgres_query('{NAME}', {literal(query)})"
        if isinstance(self.spec, MysqlSource):
            return f"mysql_query('{NAME}', {literal(query)})"
        if isinstance(self.spec, OdbcSource):
            return f"odbc_query(getvariable('{HANDLE}'), {literal(query)})"
        return f"({query})"


def attached_table(table: str) -> str:
    """SQL for a table, with its schema or without, of the database that is attached."""
    parts = [NAME, *table.split(".")]
    return ".".join(map(identifier, parts))


@contextmanager
def opened_source(
    name: str, spec: Source, resources: Resources, *, writes: bool = False
) -> Iterator[OpenSource]:
    """The source by one connection, read-only unless it `writes`; SourceError if it refuses or does
    not answer.
    """
    credentials = Credentials(name, resources.secrets_dir)
    install_extensions(resources.extension_dir, EXTENSIONS[spec.kind])
    resources.temp_dir.mkdir(parents=True, exist_ok=True)
    connection = connect_quietly(
        {
            "extension_directory": str(resources.extension_dir),
            # A machine without a way to the internet would wait for it in every statement.
            "autoinstall_known_extensions": False,
            "allow_unsigned_extensions": True,
            "temp_directory": str(resources.temp_dir),
            "threads": resources.threads,
            "memory_limit": resources.memory_limit,
            # Rows of a month have no order that matters, and keeping one costs memory.
            "preserve_insertion_order": False,
        }
    )
    try:
        told(lambda: _attach(connection, spec, credentials, writes), credentials)
        yield OpenSource(name, spec, connection, credentials)
    finally:
        connection.close()


def _attach(
    connection: duckdb.DuckDBPyConnection, spec: Source, known: Credentials, writes: bool
) -> None:
    for extension in EXTENSIONS[spec.kind]:
        connection.execute(f"load {extension}")
    # Zones are told by the mapping; the session's own must not depend on the machine.
    connection.execute("set timezone = 'UTC'")

    if isinstance(spec, PostgresSource):
        # One connection that reads from beginning to end. Ranges of pages would take several, and
        # would keep the database from using an index on the time.
        connection.execute("set pg_use_ctid_scan = false")
        connection.execute("set pg_pool_max_connections = 1")
        # What one connection delivers is work for one thread. With two, a reading of 1.5 million
        # rows took twice the processor time, more often than not.
        connection.execute("set threads = 1")
    if isinstance(spec, MysqlSource):
        connection.execute("set mysql_pool_size = 1")

    if isinstance(spec, PostgresSource | MysqlSource):
        _attach_server(connection, spec, known, writes)
    elif isinstance(spec, SqliteSource):
        # Else SQLite would make an empty database of that name.
        if not Path(spec.path).is_file():
            raise duckdb.IOException(f"unable to connect: no file {spec.path}")

        # SQLite keeps what it is given, whatever type its column was declared with.
        as_text = str(not writes).lower()
        path = literal(spec.path)
        connection.execute(f"set sqlite_all_varchar = {as_text}")
        connection.execute(f"attach {path} as {NAME} (type sqlite{_mode(writes)})")
        # DuckDB itself carries out the spec's queries, which name tables as SQLite does.
        connection.execute(f"use {NAME}")
    elif isinstance(spec, OdbcSource):
        _connect_odbc(connection, spec, known)
    elif isinstance(spec, AzureSource):
        _open_azure(connection, spec, known)
    else:
        _open_store(connection, spec, known)


def _attach_server(
    connection: duckdb.DuckDBPyConnection,
    spec: PostgresSource | MysqlSource,
    known: Credentials,
    writes: bool,
) -> None:
    given = {
        "host": known.text(spec.host),
        "port": str(spec.port),
        "database": known.text(spec.database),
        "user": known.text(spec.user),
        "password": known.text(spec.password),
    }
    # A secret in DuckDB's memory, not an address: errors quote addresses.
    _make_secret(connection, spec.kind, given)
    options = f"type {spec.kind}, secret {NAME}{_mode(writes)}"
    connection.execute(f"attach '' as {NAME} ({options})")


def _mode(writes: bool) -> str:
    return "" if writes else ", read_only"


def _make_secret(
    connection: duckdb.DuckDBPyConnection, kind: str, given: dict[str, str], *more: str
) -> None:
    parts = [f"type {kind}", *more]
    # An empty value would be taken as given, where a driver has one of its own.
    for key, value in given.items():
        if value:
            parts.append(f"{key} {literal(value)}")
    listed = ", ".join(parts)
    connection.execute(f"create secret {NAME} ({listed})")


def _connect_odbc(
    connection: duckdb.DuckDBPyConnection, spec: OdbcSource, known: Credentials
) -> None:
    base = known.text(spec.connection)
    parts = [base.rstrip(";")]
    for key, value in (("UID", spec.user), ("PWD", spec.password)):
        if value is None:
            continue
        # In braces a semicolon belongs to the password, and does not end it.
        credential = known.text(value)
        parts.append(f"{key}={{{credential}}}")
    text = ";".join(parts)
    # As a parameter: DuckDB's errors quote the text of a statement.
    connection.execute("set variable odbc_text = ?", [text])
    connection.execute(f"set variable {HANDLE} = odbc_connect(getvariable('odbc_text'))")
    connection.execute("reset variable odbc_text")


def _open_azure(
    connection: duckdb.DuckDBPyConnection, spec: AzureSource, known: Credentials
) -> None:
    if spec.connection is not None:
        given = {"connection_string": known.text(spec.connection)}
        _make_secret(connection, "azure", given)
        return
    # The identity of the machine or the pod, which needs no secret in any file.
    given = {"account_name": known.text(spec.account)}
    _make_secret(connection, "azure", given, "provider credential_chain")


def _open_store(connection: duckdb.DuckDBPyConnection, spec: Stored, known: Credentials) -> None:
    if isinstance(spec, IcebergSource):
        # Without a catalogue no one says which state is the newest; the newest metadata file is.
        connection.execute("set unsafe_enable_version_guessing = true")
    if "://" not in spec.location:
        return
    # Stores other than Amazon's seldom have a host name for each bucket.
    usual_style = "path" if spec.endpoint else "vhost"
    given = {
        "region": spec.region,
        "endpoint": spec.endpoint,
        "url_style": spec.url_style or usual_style,
        "key_id": known.text(spec.key_id),
        "secret": known.text(spec.secret_key),
        "session_token": known.text(spec.session_token),
    }
    more = [f"use_ssl {str(spec.use_ssl).lower()}"]
    if not spec.key_id:
        more.append("provider credential_chain")
    _make_secret(connection, "s3", given, *more)


def _below(location: str, name: str) -> str:
    return f"{location.rstrip('/')}/{name}"
