"""The whole graph in a folder of its own, for tests: real assets, dbt and MLflow, a Dagster
instance in memory.
"""

import base64
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO
from unittest import mock

from dagster import DagsterInstance, Definitions

from churn_platform.definitions import build_defs
from churn_platform.graph.runs import run_job
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings, load_settings
from churn_platform.warehouse.lake import Lake, connect
from churn_platform_tests.support.data_folders import fill_data_folder

HASH_KEY = "0123456789abcdef" * 4
WHITE_POINT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
)


def blank_pictures() -> AbstractContextManager[object]:
    """Within it every picture is saved as one white point."""
    from matplotlib.figure import Figure

    def save(figure: Figure, stored: BinaryIO, **options: object) -> None:
        stored.write(WHITE_POINT)

    return mock.patch.object(Figure, "savefig", save)


@dataclass(frozen=True)
class Graph:
    """The graph over one data folder."""

    folder: Path
    tuning_trials: int = 1
    candidates: str = ""
    """Those to train, by commas, of those of the portfolio; empty for all."""
    draws: bool = False
    """Whether pictures are drawn: a third of a training run, which few tests look at."""

    @cached_property
    def overrides(self) -> dict[str, Any]:
        """Settings that differ from the defaults.

        A fixed hash key makes runs repeatable. One trial is quick, and so is one thread where
        workers share the cores.
        """
        return {
            "data_dir": self.folder,
            "portfolios_dir": self.folder / "portfolios",
            "experiments_dir": self.folder / "experiments",
            "phone_hash_key": HASH_KEY,
            "tuning_trials": self.tuning_trials,
            "candidates": self.candidates,
            "tuning_rows_max": 10_000,
            "model_threads": 1,
            "duckdb_threads": 1,
        }

    @cached_property
    def settings(self) -> Settings:
        """The settings in force, over a data folder that has what takes seconds to make."""
        settings = load_settings(**self.overrides)
        if not (self.folder / "dbt_target").exists():
            fill_data_folder(settings)
        return settings

    @cached_property
    def defs(self) -> Definitions:
        """The definitions."""
        assert self.settings  # whose folder they read
        return build_defs(**self.overrides)

    @cached_property
    def lake(self) -> Lake:
        """The warehouse."""
        return Lake.of(self.settings)

    def portfolio(self, name: str) -> Portfolio:
        """A portfolio by name."""
        return load_portfolios(self.settings.portfolios_dir)[name]

    def run(self, job: str, first: date, last: date) -> list[str]:
        """Run a job on an instance of its own; the lines that a user would see."""
        with DagsterInstance.ephemeral() as instance:
            return self.run_on(instance, job, first, last)

    def run_on(self, instance: DagsterInstance, job: str, first: date, last: date) -> list[str]:
        """Run a job on `instance`; the lines that a user would see."""
        lines: list[str] = []
        with nullcontext() if self.draws else blank_pictures():
            run_job(
                self.defs, instance, job, first, last, log=self.folder / "log", show=lines.append
            )
        return lines

    def query(self, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query on the lake."""
        with closing(connect(self.lake, read_only=True)) as connection:
            return connection.execute(sql, parameters or []).fetchall()
