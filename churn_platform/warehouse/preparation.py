"""What a DuckDB connection needs before the lake is attached to it, in a process of the platform
and in dbt: access to the store of its files, and patience with other writers.

Light, because every dbt loads it.
"""

from math import ceil

import duckdb

from churn_platform.sql import literal
from churn_platform.storage.location import bucket_of, is_url
from churn_platform.storage.options import StoreOptions

SECRET = "lake_store"
# The waits between retries: 0.1 s, then twice as long each time. DuckDB's own factor is 4, with
# which the fifth retry would wait half a minute.
RETRY_WAIT_MS, RETRY_BACKOFF = 100, 2
# DuckLake waits 0.1 s before it tries a commit again, and longer each time. With its own factor of
# 1.5 the thirtieth would wait for hours; with this one all thirty take two minutes.
COMMIT_BACKOFF = 1.2


def prepare(
    connection: duckdb.DuckDBPyConnection,
    *,
    catalog: str,
    files: str,
    store: StoreOptions,
    catalog_retries: int,
) -> None:
    """Set a connection up; nothing is needed for a catalog and files in folders."""
    if catalog.startswith("postgres:"):
        connection.execute("load ducklake")
        connection.execute(f"set ducklake_max_retry_count = {catalog_retries}")
        connection.execute(f"set ducklake_retry_backoff = {COMMIT_BACKOFF}")
    if is_url(files):
        _open_store(connection, files, store)


def _open_store(connection: duckdb.DuckDBPyConnection, files: str, options: StoreOptions) -> None:
    """Let a connection read and write the store.

    The credentials are in DuckDB's memory alone, and hold for the bucket of the lake alone.
    """
    connection.execute("load httpfs")
    if not options.key_id:
        connection.execute("load aws")  # it looks for credentials of the machine
    # DuckDB takes whole seconds.
    connection.execute(f"set http_timeout = {ceil(options.timeout_seconds)}")
    connection.execute(f"set http_retries = {options.retries}")
    connection.execute(f"set http_retry_wait_ms = {RETRY_WAIT_MS}")
    connection.execute(f"set http_retry_backoff = {RETRY_BACKOFF}")
    connection.execute(_secret(files, options))


def _secret(files: str, options: StoreOptions) -> str:
    given = {
        "scope": f"s3://{bucket_of(files)}",
        "region": options.region,
        "url_style": options.style,
        "endpoint": options.endpoint,
        "key_id": options.key_id,
        "secret": options.secret_key,
        "session_token": options.session_token,
    }
    parts = [f"{name} {literal(value)}" for name, value in given.items() if value]
    provider = [] if options.key_id else ["provider credential_chain"]
    ssl = f"use_ssl {'true' if options.use_ssl else 'false'}"
    return f"create or replace secret {SECRET} ({', '.join(['type s3', *provider, ssl, *parts])})"
