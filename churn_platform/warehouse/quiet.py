"""DuckDB connections that write nothing to the process's output."""

from typing import Any

import duckdb


def connect_quietly(config: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """A connection to a database in memory without a progress bar.

    DuckDB draws one into stdout after two seconds where the main module has no file, as in spawned
    processes.
    """
    connection = duckdb.connect(config=config)
    connection.execute("set enable_progress_bar = false")
    return connection
