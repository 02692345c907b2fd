"""The whole graph in a folder of its own, for tests: real assets, dbt and MLflow, a Dagster instance in memory."""

import hashlib
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
from dagster import DagsterInstance, Definitions

from churn_platform.definitions import build_defs
from churn_platform.portfolios.registry import load_portfolios
from churn_platform.portfolios.spec import Portfolio
from churn_platform.runs import run_job
from churn_platform.settings import Settings, load_settings
from churn_platform.warehouse.lake import Lake, connect

HASH_KEY = "0123456789abcdef" * 4


@dataclass(frozen=True)
class Graph:
    """The graph over one data folder."""

    folder: Path

    @cached_property
    def overrides(self) -> dict[str, Any]:
        """Settings that differ from the defaults; a fixed hash key makes runs repeatable."""
        return {"data_dir": self.folder, "portfolios_dir": self.folder / "portfolios", "phone_hash_key": HASH_KEY}

    @cached_property
    def settings(self) -> Settings:
        """The settings in force."""
        return load_settings(**self.overrides)

    @cached_property
    def defs(self) -> Definitions:
        """The definitions."""
        return build_defs(**self.overrides)

    @cached_property
    def lake(self) -> Lake:
        """The warehouse."""
        return Lake.of(self.settings)

    def portfolio(self, name: str) -> Portfolio:
        """A portfolio by name."""
        return load_portfolios(self.settings.portfolios_dir)[name]

    def run(self, job: str, first: date, last: date) -> list[str]:
        """Run a job; the lines that a user would see."""
        lines: list[str] = []
        with DagsterInstance.ephemeral() as instance:
            run_job(self.defs, instance, job, first, last, log=self.folder / "log", show=lines.append)
        return lines

    def query(self, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query on the lake."""
        with closing(connect(self.lake, read_only=True)) as connection:
            return connection.execute(sql, parameters or []).fetchall()

    def checksums(self, *schemas: str, of: str = "t") -> dict[tuple[str, date], str]:
        """For every monthly table of the schemas and every month in it: a checksum of its rows in any order.

        `of` names what is summed: whole rows, or a column that all those tables have.
        """
        with closing(connect(self.lake, read_only=True)) as connection:
            return {
                (table, month): checksum
                for table in _tables(connection, schemas)
                for month, checksum in _by_month(connection, table, of)
            }


def _tables(connection: duckdb.DuckDBPyConnection, schemas: tuple[str, ...]) -> list[str]:
    listed = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'lake'"
    ).fetchall()
    return sorted(name for (name,) in listed if name.split(".")[0] in schemas)


def _by_month(connection: duckdb.DuckDBPyConnection, table: str, of: str) -> list[tuple[date, str]]:
    rows = connection.execute(
        f"select month, count(*), bit_xor(hash({of})), sum(hash({of})::hugeint) from {table} as t group by month"
    ).fetchall()
    return [(month, hashlib.sha256(repr(rest).encode()).hexdigest()) for month, *rest in rows]
