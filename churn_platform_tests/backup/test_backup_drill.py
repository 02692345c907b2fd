"""What a back-up of some GB costs, and that it comes back: `make hosts-check` prints figures."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from churn_platform.backup.back_up import back_up
from churn_platform.backup.restore import restore
from churn_platform.months import shift
from churn_platform.settings import Settings, load_settings
from churn_platform.storage.opening import open_store
from churn_platform.warehouse.damage import find_damage
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.lake_files import lake_files
from churn_platform.warehouse.tables import ensure_table, replace_month, write
from churn_platform_tests.support.checksums import checksums
from churn_platform_tests.support.s3_server import S3Server
from churn_platform_tests.support.tiny import JANUARY

pytestmark = pytest.mark.slow
MONTHS, ROWS = 10, 12_500_000  # of 8 bytes that pack badly: 1 GB
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GB = 1e9


@dataclass(frozen=True)
class Places:
    """Makes installations and places for back-ups, in folders or on servers."""

    folder: Path
    catalogs: Callable[[], str]
    s3: S3Server

    def installation(self, name: str, *, on_servers: bool) -> Settings:
        """One with nothing in it."""
        more = {}
        if on_servers:
            more = {"catalog": self.catalogs(), "lake_data_path": self.s3.new_url()}
        return load_settings(data_dir=self.folder / name, **self.s3.overrides(), **more)

    def target(self, *, on_servers: bool) -> str:
        """An empty place."""
        return self.s3.new_url() if on_servers else str(self.folder / "kept")


def fill(settings: Settings) -> None:
    """Write the lake, a file for each month."""
    lake = Lake.of(settings)
    with closing(connect(lake)) as connection:
        for number in range(MONTHS):
            write(connection, lake, lambda number=number: put(connection, number))


def put(connection: duckdb.DuckDBPyConnection, number: int) -> None:
    """Write a month."""
    month = shift(JANUARY, number)
    rows = f"range({number * ROWS}, {(number + 1) * ROWS})"
    select = f"select date '{month}' as month, hash(range) as x from {rows}"
    ensure_table(connection, "s.t", {"month": "date", "x": "ubigint"})
    replace_month(connection, "s.t", month, select)


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


@pytest.mark.parametrize(
    ("lake_on_servers", "kept_on_servers", "told"),
    [
        (False, False, "in a folder, kept in a folder"),
        (False, True, "in a folder, kept on S3"),
        (True, True, "on Postgres and S3, kept on S3"),
    ],
)
def test_a_lake_of_some_gb_comes_back(
    lake_on_servers: bool,
    kept_on_servers: bool,
    told: str,
    tmp_path: Path,
    new_catalogs: Callable[[], str],
    s3_server: S3Server,
) -> None:
    """With the same rows and no damage; the next back-up copies next to nothing."""
    places = Places(tmp_path, new_catalogs, s3_server)
    old, new = (places.installation(name, on_servers=lake_on_servers) for name in ("old", "new"))
    fill(old)
    target = places.target(on_servers=kept_on_servers)
    store = open_store(target, s3_server.options, setting="the place given")
    first = timed(lambda: back_up(old, store, now=NOW))
    again = timed(lambda: back_up(old, store, now=NOW + timedelta(hours=1)))
    back = timed(lambda: restore(new, store))
    lake, other = Lake.of(old), Lake.of(new)
    assert checksums(other, "s") == checksums(lake, "s")
    with closing(connect(other, read_only=True)) as connection:
        files = lake_files(connection, other)
        assert find_damage(other, files) == []
    size = sum(file.size_bytes for file in files) / GB
    assert size > 0.9

    def per_100_gb(seconds: float) -> str:
        return f"{seconds:.1f} s ({seconds / size * 100 / 60:.0f} min per 100 GB)"

    print(
        f"\n| {told} | {size:.2f} GB | {per_100_gb(first)} | {again:.1f} s | {per_100_gb(back)} |"
    )
