"""The Dagster resource through which assets reach the lake."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import duckdb
from dagster_duckdb import DuckDBResource
from tenacity import RetryError, Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from churn_platform.warehouse.lake import Lake, busy_error, connect, is_busy
from churn_platform.warehouse.tables import transaction

Result = TypeVar("Result")


class Warehouse(DuckDBResource):
    """The lake as a `DuckDBResource` that closes on errors, opens read-only when asked and waits a bounded time."""

    files: str
    extension_dir: str
    temp_dir: str
    threads: int
    memory_limit: str
    wait_seconds: float

    @classmethod
    def of(cls, lake: Lake) -> "Warehouse":
        """The resource for a lake."""
        return cls(
            database=f"ducklake:{lake.catalog}",
            files=lake.files,
            extension_dir=str(lake.extension_dir),
            temp_dir=str(lake.temp_dir),
            threads=lake.threads,
            memory_limit=lake.memory_limit,
            wait_seconds=lake.wait_seconds,
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
        )

    @contextmanager
    def get_connection(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to the lake, closed whatever happens inside."""
        connection = connect(self.lake, read_only=read_only)
        try:
            yield connection
        finally:
            connection.close()

    def write(self, work: Callable[[duckdb.DuckDBPyConnection], Result], *, note: str = "") -> Result:
        """Run `work` in one transaction, again from the start while another process holds the catalog.

        WarehouseBusyError after `wait_seconds`. `work` may run several times, so it must do nothing but write here.
        """
        attempts = Retrying(
            retry=retry_if_exception(is_busy),
            stop=stop_after_delay(self.wait_seconds),
            wait=wait_random_exponential(multiplier=0.1, max=2),
        )
        try:
            return attempts(self._write_once, work, note)
        except RetryError as error:
            raise busy_error(self.lake) from error

    def _write_once(self, work: Callable[[duckdb.DuckDBPyConnection], Result], note: str) -> Result:
        with self.get_connection() as connection, transaction(connection, note):
            return work(connection)
