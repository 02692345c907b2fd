"""A lake outside of the data folder is kept with it: files in a store, the catalog on Postgres."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from churn_platform.backup.back_up import back_up
from churn_platform.backup.catalog_copy import write_catalog
from churn_platform.backup.restore import restore
from churn_platform.errors import BackupError
from churn_platform.settings import Settings, load_settings
from churn_platform.sql import read_parquet
from churn_platform.storage.store import Store
from churn_platform.warehouse.damage import find_damage
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.lake_files import lake_files
from churn_platform.warehouse.lake_notes import dropped, note_dropped
from churn_platform.warehouse.tables import current_snapshot, ensure_table, replace_month, write
from churn_platform_tests.backup.conftest import FIRST, SECOND, put_back
from churn_platform_tests.support.checksums import checksums
from churn_platform_tests.support.s3_server import S3Server
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY

MANY, FEW = 5_000, 3  # few rows stay in the catalog


@dataclass(frozen=True)
class Server:
    """Makes installations whose lake is on Postgres and S3."""

    folder: Path
    catalogs: Callable[[], str]
    s3: S3Server
    extensions: Path

    def new(self, name: str, **settings: str) -> Settings:
        """One with nothing in it."""
        places = {"catalog": self.catalogs(), "lake_data_path": self.s3.new_url(), **settings}
        return load_settings(data_dir=self.folder / name, **self.s3.overrides(), **places)

    def lake(self, settings: Settings) -> Lake:
        """Its lake, with DuckDB's extensions at hand."""
        place = settings.extension_dir
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(self.extensions)
        return Lake.of(settings)


@pytest.fixture
def server(
    tmp_path: Path, new_catalogs: Callable[[], str], s3_server: S3Server, extensions: Path
) -> Server:
    """Real servers."""
    return Server(tmp_path, new_catalogs, s3_server, extensions)


def put(lake: Lake, month: date, rows: int) -> None:
    """Write a month, with a text and a list in each row."""
    select = (
        f"select date '{month}' as month, 'é' || range as name, ['x'] as all from range({rows})"
    )

    def work(connection: duckdb.DuckDBPyConnection) -> None:
        columns = {"month": "date", "name": "varchar", "all": "varchar[]"}
        ensure_table(connection, "s.t", columns)
        replace_month(connection, "s.t", month, select)

    with closing(connect(lake)) as connection:
        write(connection, lake, lambda: work(connection))


def damage(lake: Lake) -> list[str]:
    """What is damaged."""
    with closing(connect(lake, read_only=True)) as connection:
        return [str(found) for found in find_damage(lake, lake_files(connection, lake))]


def test_it_comes_back_on_another_database_and_another_bucket(server: Server, store: Store):
    """With the same rows, sound, and able to be written."""
    old, new = server.new("old"), server.new("new")
    lake, other = server.lake(old), server.lake(new)
    put(lake, JANUARY, MANY)
    put(lake, FEBRUARY, FEW)
    note_dropped(lake, "s.t", date(2024, 1, 1))
    _, made = back_up(old, store, now=FIRST)
    assert len(made.lake_files) == 1
    put(lake, JANUARY, MANY - 1)  # after the back-up
    other.extension_dir.unlink()
    assert restore(new, store) == made
    other = server.lake(new)
    put(lake, JANUARY, MANY)
    assert checksums(other, "s") == checksums(lake, "s")
    assert damage(other) == []
    assert dropped(other) == [("s.t", date(2024, 1, 1))]
    put(other, JANUARY, 7)
    assert checksums(other, "s") != checksums(lake, "s")


def test_the_next_one_reads_only_new_files(server: Server, store: Store, monkeypatch):
    """A file of the lake never changes."""
    settings = server.new("old")
    lake = server.lake(settings)
    put(lake, JANUARY, MANY)
    back_up(settings, store, now=FIRST)
    put(lake, FEBRUARY, MANY)
    read = []
    opened = type(lake.opened)
    local = opened.local
    monkeypatch.setattr(
        opened, "local", lambda self, key, scratch: read.append(key) or local(self, key, scratch)
    )
    _, made = back_up(settings, store, now=SECOND)
    assert (len(made.lake_files), len(read)) == (2, 1)


def test_the_catalog_is_of_one_moment(server: Server, tmp_path: Path):
    """Whatever another host commits while its tables are read."""
    lake = server.lake(server.new("old"))
    put(lake, JANUARY, MANY)
    tables = write_catalog(lake, tmp_path)
    next(tables)
    with closing(connect(lake, read_only=True)) as connection:
        before = current_snapshot(connection)
    put(lake, FEBRUARY, MANY)
    kept = dict(tables)
    paths = {table.name: path for table, path in kept.items()}
    newest = f"select max(snapshot_id) from {read_parquet(paths['ducklake_snapshot'])}"
    files = f"select count(*) from {read_parquet(paths['ducklake_data_file'])}"
    assert duckdb.sql(f"select ({newest}), ({files})").fetchall() == [(before, 1)]


def test_a_damaged_file_comes_back_as_damaged(server: Server, store: Store):
    """Its new place does not make it sound."""
    old, new = server.new("old"), server.new("new")
    lake = server.lake(old)
    put(lake, JANUARY, MANY)
    (key,) = [found.key for found in lake.opened.list()]
    size = lake.opened.look_at([key])[key].size_bytes
    other_bytes = server.folder / "other"
    other_bytes.write_bytes(b"x" * size)
    lake.opened.add(other_bytes, key)
    back_up(old, store, now=FIRST)
    restore(new, store)
    (told,) = damage(server.lake(new))
    assert "has other content than was written" in told


def test_nothing_is_restored_over_a_lake_or_with_another_kind_of_catalog(
    server: Server, store: Store
):
    """Each error names the setting to change; what is there stays."""
    old = server.new("old")
    lake = server.lake(old)
    put(lake, JANUARY, MANY)
    back_up(old, store, now=FIRST)
    same_files = server.new("files", lake_data_path=old.lake_files)
    same_catalog = server.new("catalog", catalog=old.lake_catalog)
    for settings, setting in (
        (same_files, "CHURN_LAKE_DATA_PATH"),
        (same_catalog, "CHURN_CATALOG to an empty database"),
    ):
        with pytest.raises(BackupError, match=setting):
            restore(settings, store)
    with pytest.raises(BackupError, match="is one of Postgres"):
        put_back(store, server.folder / "embedded")
    assert damage(lake) == []
