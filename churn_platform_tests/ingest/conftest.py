"""One lake with a good January in it, and a way to land files."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from churn_platform.errors import LandingError
from churn_platform.ingest.load import Loaded, load_month
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import current_snapshot
from churn_platform_tests.support.tiny import JANUARY, TINY
from churn_platform_tests.support.tiny_lake import tiny_lake

KEY = "k" * 31 + "'"
PHONES = {"C1": "+393331110001", "C2": "+393331110002"}
CUSTOMERS = "customer_id,phone_number,Plan price,joined_date\n" + "".join(
    f"{customer},{phone},9.5,2020-02-29\n" for customer, phone in PHONES.items()
)
CALLS_HEADER = "call_id,customer_id,started_at,contact,duration_s,is_dropped,kind,cost_eur\n"
CALLS = CALLS_HEADER + (
    "K1,C1,2025-01-01 00:00:00,+393339990001,60,true,voice,0.5\n"
    "K2,C2,2025-01-31 23:59:59.999999,,0,false,sms,\n"
    "K3,C1,2025-01-15T12:00:00+02:00,+393339990002,5,no,voice,1\n"
)


@dataclass(frozen=True)
class Landing:
    """A lake and its landing folder."""

    lake: Lake
    connection: duckdb.DuckDBPyConnection
    folder: Path

    def put(
        self, table: str, content: str | bytes, month: date = JANUARY, suffix: str = "csv"
    ) -> Path:
        """Land a file in place of any other of its table."""
        folder = self.folder / TINY.name / table
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        path = folder / f"{month:%Y-%m}.{suffix}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def put_parts(self, table: str, parts: Mapping[str, str], month: date = JANUARY) -> Path:
        """Land a folder of files in place of any other delivery of its table."""
        file = self.put(table, "", month)
        file.unlink()
        folder = file.with_suffix("")
        folder.mkdir()
        for name, content in parts.items():
            (folder / name).write_text(content)
        return folder

    def load(self, table: str, month: date = JANUARY) -> Loaded:
        """Load what lies in the landing folder."""
        return load_month(
            self.connection,
            self.lake,
            TINY,
            TINY.table(table),
            month,
            landing_dir=self.folder,
            hash_key=KEY,
        )

    def refused(self, table: str, month: date = JANUARY) -> str:
        """The message of the refusal to load, after making sure that nothing was changed."""
        before = self.rows("customers"), self.rows("calls"), current_snapshot(self.connection)
        with pytest.raises(LandingError) as error:
            self.load(table, month)
        assert (
            self.rows("customers"),
            self.rows("calls"),
            current_snapshot(self.connection),
        ) == before
        return str(error.value)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """Every row of a raw table, ordered."""
        return self.connection.execute(f"select * from tiny_raw.{table} order by all").fetchall()


@pytest.fixture(scope="package")
def new_landing(
    tmp_path_factory: pytest.TempPathFactory, extensions: Path
) -> Iterator[Callable[[], Landing]]:
    """Makes landings with a good January loaded."""
    opened: list[Landing] = []

    def make() -> Landing:
        folder = tmp_path_factory.mktemp("landing")
        lake = tiny_lake(folder, extensions)
        opened.append(Landing(lake, connect(lake), folder / "landed"))
        for table, content in (("customers", CUSTOMERS), ("calls", CALLS)):
            opened[-1].put(table, content)
            opened[-1].load(table)
        return opened[-1]

    yield make
    for landing in opened:
        with closing(landing.connection):
            pass


@pytest.fixture(scope="package")
def january(new_landing: Callable[[], Landing]) -> Landing:
    """A landing that tests of refusals share: they must leave its tables as they are."""
    return new_landing()


@pytest.fixture
def landing(new_landing: Callable[[], Landing]) -> Landing:
    """A landing of the test's own."""
    return new_landing()
