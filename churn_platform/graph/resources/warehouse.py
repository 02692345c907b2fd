"""The Dagster resource through which assets reach the lake."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from dagster_duckdb import DuckDBResource

from churn_platform.storage.options import StoreOptions
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.server_errors import server_errors_told

# How the store of each place is reached, with its credentials: Dagster shows the fields of a
# resource, and copies it by them alone.
STORES: dict[str, StoreOptions] = {}


class Warehouse(DuckDBResource):
    """The lake as a `DuckDBResource` that closes on errors, opens read-only when asked and waits a
    bounded time.
    """

    files: str
    extension_dir: str
    temp_dir: str
    threads: int
    memory_limit: str
    wait_seconds: float
    catalog_retries: int

    @classmethod
    def of(cls, lake: Lake) -> "Warehouse":
        """The resource for a lake."""
        STORES[lake.files] = lake.store
        return cls(
            database=f"ducklake:{lake.catalog}",
            files=lake.files,
            extension_dir=str(lake.extension_dir),
            temp_dir=str(lake.temp_dir),
            threads=lake.threads,
            memory_limit=lake.memory_limit,
            wait_seconds=lake.wait_seconds,
            catalog_retries=lake.catalog_retries,
        )

    @property
    def lake(self) -> Lake:
        """The lake that this resource opens."""
        return Lake(
            catalog=self.database.removeprefix("ducklake:"),
            files=self.files,
            extension_dir=Path(self.extension_dir),
            temp_dir=Path(self.temp_dir),
            threads=self.threads,
            memory_limit=self.memory_limit,
            wait_seconds=self.wait_seconds,
            catalog_retries=self.catalog_retries,
            store=STORES[self.files],
        )

    @contextmanager
    def get_connection(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to the lake, closed also after an error inside."""
        # Not dagster-duckdb's own connection: that one stays open after an error, and waits without
        # a bound.
        connection = connect(self.lake, read_only=read_only)
        try:
            with server_errors_told(self.lake):
                yield connection
        finally:
            connection.close()
