"""A small installation in which one customer is everywhere: raw rows, features, scores, look-ups,
logs.
"""

import csv
import io
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from churn_platform.bundles.features_bundle import publish_features
from churn_platform.erasure.erase import Erasure, Installation, erase, plan_erasure
from churn_platform.erasure.erased_customer import own_number_hashes
from churn_platform.ingest.load import load_month
from churn_platform.published.format import pack_customer
from churn_platform.settings import Settings, load_settings
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import write
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, MARCH, TINY

KEY = "0123456789abcdef" * 4
ADA, BOB = "C-1001", "C-1002"
PHONES = {ADA: "+393331110001", BOB: "+393331110002"}
OTHERS = 1_500  # enough rows for Parquet files; a few rows alone stay in the catalog


@dataclass
class World:
    """The portfolio `tiny` with Ada, Bob and many others, in a folder of its own."""

    installation: Installation
    recorded: list[Erasure] = field(default_factory=list)

    @cached_property
    def folder(self) -> Path:
        """The data folder."""
        return self.installation.settings.root

    def land(self, table: str, month: date, rows: list[dict[str, Any]]) -> Path:
        """Put a file into the landing folder."""
        path = self.installation.settings.landing_dir / "tiny" / table / f"{month:%Y-%m}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        writer = csv.DictWriter(text, rows[0])
        writer.writeheader()
        writer.writerows(rows)
        path.write_text(text.getvalue())
        return path

    def load(self, table: str, month: date) -> None:
        """Load a landed file into its raw table."""
        settings, lake = self.installation.settings, self.installation.lake
        with closing(connect(lake)) as connection:
            given = {"landing_dir": settings.landing_dir, "hash_key": KEY}
            load_month(connection, lake, TINY, TINY.table(table), month, **given)

    def write(self, *statements: str) -> None:
        """Run statements in one transaction."""
        with closing(connect(self.installation.lake)) as connection:

            def work() -> None:
                for statement in statements:
                    connection.execute(statement)

            write(connection, self.installation.lake, work)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the lake."""
        with closing(connect(self.installation.lake, read_only=True)) as connection:
            return connection.execute(query).fetchall()

    def number(self, customer_id: str) -> int:
        """The hash under which a customer's own number is kept."""
        with closing(connect(self.installation.lake, read_only=True)) as connection:
            return own_number_hashes(connection, TINY, customer_id)[0]

    def erase(self, customer_id: str = ADA, *, unknown: bool = False, **options: Any) -> Erasure:
        """Erase a customer in April."""
        plan = plan_erasure(self.installation, TINY, customer_id, unknown=unknown)
        given: dict[str, Any] = {
            "rewrite_landing": False,
            "record": self.recorded.append,
            "show": lambda step: None,
        }
        return erase(self.installation, plan, month=date(2025, 4, 1), **given | options)

    def files_with(self, *texts: str) -> list[str]:
        """Files of the data folder, but landed ones, whose bytes hold one of the texts."""
        landing = self.installation.settings.landing_dir
        paths = (
            path
            for path in self.folder.rglob("*")
            if path.is_file() and landing not in path.parents
        )
        own = (
            path for path in paths if self.installation.settings.extension_dir not in path.parents
        )
        return [
            str(path) for path in own if any(text.encode() in path.read_bytes() for text in texts)
        ]


def customers(month: date) -> list[dict[str, Any]]:
    """Everybody of a month; Ada joins in February."""
    known = [BOB] if month == JANUARY else [ADA, BOB]
    rows = [{"customer_id": name, "phone_number": PHONES[name]} for name in known]
    rows += [
        {"customer_id": f"D{place:05d}", "phone_number": f"+39350{place:07d}"}
        for place in range(OTHERS)
    ]
    return [row | {"Plan price": 9.5, "joined_date": "2020-02-29"} for row in rows]


def calls(month: date) -> list[dict[str, Any]]:
    """Ada calls somebody; Bob calls Ada, and somebody."""
    pairs = [(BOB, PHONES[ADA]), (BOB, "+393339990001")] + [(ADA, "+393339990001")] * (
        month != JANUARY
    )
    shared = {
        "started_at": f"{month} 12:00:00",
        "duration_s": 60,
        "is_dropped": "no",
        "kind": "voice",
        "cost_eur": 1,
    }
    return [
        {"call_id": f"K{place}", "customer_id": caller, "contact": contact} | shared
        for place, (caller, contact) in enumerate(pairs)
    ]


def publish(world: World, month: str, customer_ids: list[str]) -> None:
    """Publish online features of some customers."""
    packed = [
        (name, pack_customer(np.full(4, place, np.float32), 0.5, [name[:1]]))
        for place, name in enumerate(customer_ids)
    ]
    root = world.installation.settings.published_dir / "tiny"
    publish_features(
        root,
        portfolio="tiny",
        month=month,
        features=["a", "b", "c", "d"],
        scored_by=3,
        customers=packed,
    )


@pytest.fixture
def world(tmp_path: Path, extensions: Path) -> World:
    """A world with a catalog of its own."""
    return make_world(
        load_settings(data_dir=tmp_path / "data", phone_hash_key=KEY, duckdb_threads=1), extensions
    )


def make_world(settings: Settings, extensions: Path) -> World:
    """January without Ada, then February and March with her."""
    settings.root.mkdir()
    settings.extension_dir.symlink_to(extensions)
    made = World(Installation(settings, ("tiny", "tiny_two"), (settings.landing_dir,)))
    for month in (JANUARY, FEBRUARY, MARCH):
        for table, rows in (("customers", customers(month)), ("calls", calls(month))):
            made.land(table, month, rows)
            made.load(table, month)
    made.write(
        "create schema tiny",
        "create table tiny.customer_features as select month, customer_id, 1.5 as usage "
        "from tiny_raw.customers",
        f"create table tiny.contact_list as select '{ADA}' as customer_id, 1 as rank",
    )
    publish(made, "2025-01", [BOB])
    publish(made, "2025-02", [ADA, BOB, "D00001"])
    log = settings.root / "logs" / "tiny_features.log"
    log.parent.mkdir()
    log.write_text(f"loaded\n3 rows name a customer unknown in this month, e.g. {ADA}\ndone\n")
    return made


def plain(folder: Path, texts: list[str]) -> Path:
    """Lines of text."""
    path = folder / "some.log"
    path.write_text("\n".join(texts))
    return path
