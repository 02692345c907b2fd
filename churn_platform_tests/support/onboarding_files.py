"""Tiny snapshot files for the onboarding tests, and the way from such a file through ingest to
features and labels.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from churn_platform.ingest.landing_folder import land_file
from churn_platform.ingest.load import load_month
from churn_platform.ingest.snapshot import replace_features, replace_labels
from churn_platform.onboarding import Onboarding, onboard
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Feature
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import write
from churn_platform_tests.support.tiny_lake import tiny_lake

ROWS = 40
MONTH = date(2025, 1, 1)
CHURNED = [row % 4 == 0 for row in range(ROWS)]


def cycle(*values: Any) -> list[Any]:
    """The values over and over, five rows each, so that they say nothing about the label."""
    return [values[row // 5 % len(values)] for row in range(ROWS)]


def frame(**columns: Sequence[Any]) -> pd.DataFrame:
    """Forty customers of whom every fourth churned, with a harmless feature and
    the given columns.
    """
    label = ["Yes" if churned else "No" for churned in CHURNED]
    given = {
        "id": [f"C{row:02d}" for row in range(ROWS)],
        "plan": cycle("basic", "full"),
        "churn": label,
    }
    return pd.DataFrame(given | columns)


@dataclass(frozen=True)
class Desk:
    """A folder in which files are onboarded."""

    folder: Path

    def csv(self, data: pd.DataFrame | str) -> Path:
        """A CSV file of a frame, or of literal text."""
        path = self.folder / "snapshot.csv"
        path.write_text(
            data if isinstance(data, str) else data.to_csv(index=False), encoding="utf-8"
        )
        return path

    def parquet(self, data: pd.DataFrame) -> Path:
        """A Parquet file of a frame."""
        data.to_parquet(self.folder / "snapshot.parquet")
        return self.folder / "snapshot.parquet"

    def onboard(self, file: Path, **options: Any) -> Onboarding:
        """Onboard a file as portfolio 'acme', with columns id and churn unless said otherwise."""
        given = {
            "name": "acme",
            "id_column": "id",
            "label_column": "churn",
            "portfolios_dir": self.folder / "own",
        }
        return onboard(file, **(given | options))

    def ingest(self, file: Path, extensions: Path) -> tuple[list[dict[str, Any]], dict[str, bool]]:
        """Features by row and `churned` by customer, after the very file went through ingest with
        the spec written.
        """
        portfolio = load_portfolios(self.folder / "own")["acme"]
        table = portfolio.landed_tables[0]
        land_file(file, self.folder / "landing", portfolio.name, table.name, MONTH)
        lake = tiny_lake(self.folder, extensions)
        with closing(connect(lake)) as connection:
            load_month(
                connection,
                lake,
                portfolio,
                table,
                MONTH,
                landing_dir=self.folder / "landing",
                hash_key="k" * 32,
            )
            write(connection, lake, lambda: replace_features(connection, portfolio, MONTH))
            write(connection, lake, lambda: replace_labels(connection, portfolio, MONTH))
            features = connection.execute(
                "select * exclude (month) from acme.customer_features order by customer_id"
            )
            names = [column[0] for column in features.description]
            rows = [dict(zip(names, row, strict=True)) for row in features.fetchall()]
            labels = connection.execute(
                "select customer_id, churned from acme.churn_labels"
            ).fetchall()
        return rows, dict(labels)


def features_of(onboarded: Onboarding) -> Mapping[str, Feature]:
    """The features by name."""
    return {feature.name: feature for feature in onboarded.portfolio.features}


def finding_on(onboarded: Onboarding, header: str) -> str:
    """What was found on a column, joined; empty where nothing was."""
    return "; ".join(finding for finding in onboarded.findings if f"{header!r}" in finding)
