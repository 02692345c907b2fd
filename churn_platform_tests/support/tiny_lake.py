"""A lake of literal rows with the dbt project on it, for tests: no files, no
Dagster, no simulator.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from churn_platform.graph.dbt_profile import dbt_environment
from churn_platform.ingest.load import raw_columns, raw_table
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.support.data_folders import project_copy

Rows = Mapping[str, Iterable[tuple[Any, ...]]]


@dataclass(frozen=True)
class TinyLake:
    """Raw tables filled by hand; `build` runs dbt over a range of months in this process."""

    lake: Lake
    portfolio: Portfolio
    manifest: Manifest

    def add(self, rows: Rows) -> None:
        """Append rows, by table, as tuples in the order of the raw table's columns; missing tables
        are made.
        """
        with closing(connect(self.lake)) as connection:
            for table in self.portfolio.tables:
                ensure_table(connection, raw_table(self.portfolio, table), raw_columns(table))
            connection.begin()  # one state of the lake instead of one for each row
            for name, values in rows.items():
                target = raw_table(self.portfolio, self.portfolio.table(name))
                for row in values:
                    connection.execute(
                        f"insert into {target} values ({', '.join('?' * len(row))})", list(row)
                    )
            connection.commit()

    def build(self, first: date, end: date, *arguments: str) -> dict[str, str]:
        """Run `dbt build` from month `first` up to, but without, month `end`; status by model or
        test.
        """
        months = ("--event-time-start", str(first), "--event-time-end", str(end))
        return self._invoke("build", "--exclude-resource-type", "unit_test", *months, *arguments)

    def build_tables(self, first: date, end: date, *arguments: str) -> None:
        """As `build_all`, without the data tests: a third of the time, where other rows than those
        of the literal world are what matters.
        """
        self.build_all(first, end, "--exclude-resource-type", "test", *arguments)

    def run_unit_tests(self) -> dict[str, str]:
        """Run the project's own unit tests; status by test. The tables must exist, for their column
        types.
        """
        return self._invoke("test", "--select", "test_type:unit")

    def _invoke(self, command: str, *arguments: str) -> dict[str, str]:
        with mock.patch.dict(os.environ, dbt_environment(self.lake)):
            given = [command, *options(self.lake, self.portfolio), *arguments]
            outcome = dbtRunner(self.manifest).invoke(given)
        if not isinstance(outcome.result, RunExecutionResult):
            raise outcome.exception or RuntimeError("dbt did not run")
        return {run.node.name: str(run.status) for run in outcome.result.results}

    def build_all(self, first: date, end: date, *arguments: str) -> None:
        """As `build`, but AssertionError names what did not succeed."""
        statuses = self.build(first, end, *arguments)
        assert {
            name: status for name, status in statuses.items() if status not in ("success", "pass")
        } == {}

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Rows of a query on the lake."""
        with closing(connect(self.lake, read_only=True)) as connection:
            result = connection.execute(query)
            names = [column[0] for column in result.description or []]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def tiny_lake(folder: Path, extension_dir: Path) -> Lake:
    """Where a lake for tests lies and how to open it."""
    return Lake(
        catalog=f"sqlite:{folder}/lake.sqlite",
        files=f"{folder}/files/",
        extension_dir=extension_dir,
        temp_dir=folder / "tmp",
        threads=1,
        memory_limit="1GB",
        wait_seconds=5,
    )


def options(lake: Lake, portfolio: Portfolio) -> list[str]:
    """dbt's options that keep a test's artefacts in its own folder."""
    folder = str(lake.temp_dir)
    project = str(project_copy(portfolio))
    return [
        *("--project-dir", project, "--profiles-dir", project),
        *("--target-path", folder, "--log-path", folder, "--quiet"),
    ]
