"""A small operator with tables of its own: other names, units, levels and times than the contract
has, in an SQLite file.
"""

import sqlite3
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from churn_platform.portfolios.loader import read_portfolio
from churn_platform.portfolios.spec import Portfolio
from churn_platform.sources.extract import Extracted, extract_month
from churn_platform.sources.open_source import Resources
from churn_platform_tests.support.tiny import SPEC

MAY = date(2026, 5, 1)
SUBSCRIBERS = [
    ("2026-05", "S1", "+393331110001", 1999, "03.02.2020"),
    ("2026-05", "S2", "+393331110002", 500, None),
    ("2026-04", "S1", "+393331110001", 1999, "03.02.2020"),
]
# Local times of Berlin: the first is on April's last evening in UTC, and still May's.
USAGE = [
    ("K1", "S1", "2026-05-01 00:30:00", "+393339990001", 1.5, "J", "V"),
    ("K2", "S2", "2026-05-31 23:59:59", None, 0, "N", "T"),
    ("K3", "S1", "2026-06-01 00:00:00", "+393339990002", 2, "N", "V"),
    ("K4", "S1", "2026-04-30 23:59:59", "+393339990002", 2, "N", "V"),
]
ORIGINS: dict[str, dict[str, Any]] = {
    "customers": {
        "source": "crm",
        "table": "subscribers",
        "period": "stand",
        "period_format": "%Y-%m",
        "columns": {
            "customer_id": "subscriber",
            "phone_number": "msisdn",
            "plan_eur": {"column": "tariff_ct", "unit": "cents"},
            "joined_date": {"column": "since", "format": "%d.%m.%Y"},
        },
    },
    "calls": {
        "source": "crm",
        "table": "usage",
        "columns": {
            "call_id": "no",
            "customer_id": "subscriber",
            "started_at": {"column": "begun", "timezone": "Europe/Berlin"},
            "contact": "other",
            "duration_s": {"column": "minutes", "unit": "minutes"},
            "is_dropped": {"column": "broken", "levels": {"J": "true", "N": "false"}},
            "kind": {"column": "art", "levels": {"V": "voice", "T": "sms"}},
        },
    },
}


@dataclass
class OwnOperator:
    """The operator's database and spec, both changed as a test wants them."""

    folder: Path
    extensions: Path
    given: dict[str, Any]

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "crm.db"

    @property
    def spec_file(self) -> Path:
        """The spec, as it was last written."""
        return self.folder / "own.yaml"

    @property
    def portfolio(self) -> Portfolio:
        """The spec as given, written and read."""
        text = yaml.safe_dump(self.given, sort_keys=False)
        self.spec_file.write_text(text)
        return read_portfolio(self.spec_file)

    @property
    def resources(self) -> Resources:
        """What a reading may use."""
        return Resources(self.extensions, self.folder / "tmp")

    def origin(self, table: str) -> dict[str, Any]:
        """What the spec says of where a table comes from, to be changed."""
        return next(each for each in self.given["tables"] if each["name"] == table)["from"]

    def execute(self, *statements: str) -> None:
        """Change the operator's database."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def extract(self, table: str, month: date = MAY, today: date = date(2026, 7, 1)) -> Extracted:
        """Read a month of a table."""
        portfolio = self.portfolio
        return extract_month(
            portfolio,
            portfolio.table(table),
            month,
            landing_dir=self.folder / "landing",
            resources=self.resources,
            spec_file=self.spec_file,
            today=today,
        )


def own_operator(folder: Path, extensions: Path) -> OwnOperator:
    """The operator with May and parts of the months around it."""
    given = deepcopy({**SPEC, "name": "own", "timezone": "Europe/Berlin"})
    given["sources"] = {"crm": {"kind": "sqlite", "path": str(folder / "crm.db")}}
    for table in given["tables"]:
        table["from"] = deepcopy(ORIGINS[table["name"]])
    operator = OwnOperator(folder, extensions, given)
    with closing(sqlite3.connect(operator.database)) as connection, connection:
        connection.execute(
            "create table subscribers (stand text, subscriber text, msisdn text, "
            "tariff_ct integer, since text)"
        )
        connection.execute(
            "create table usage (no text, subscriber text, begun text, other text, minutes real, "
            "broken text, art text)"
        )
        connection.executemany("insert into subscribers values (?, ?, ?, ?, ?)", SUBSCRIBERS)
        connection.executemany("insert into usage values (?, ?, ?, ?, ?, ?, ?)", USAGE)
    return operator
