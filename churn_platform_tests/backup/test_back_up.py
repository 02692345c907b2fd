"""A back-up is of one moment, holds contents once, and comes back as it was."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from churn_platform.backup.back_up import back_up
from churn_platform.backup.catalogue import names
from churn_platform.backup.restore import UNFINISHED, restore
from churn_platform.errors import BackupError
from churn_platform.published.atomic_files import new_folder
from churn_platform.settings import Settings, load_settings
from churn_platform.storage.opening import open_store
from churn_platform.storage.store import Store

FIRST = datetime(2026, 1, 2, 3, tzinfo=UTC)
SECOND = datetime(2026, 2, 2, 3, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation with a lake's file, a database, a published folder and working files."""
    settings = load_settings(data_dir=tmp_path / "data")
    write(settings.root / "lake" / "tiny" / "1.parquet", "rows")
    write(settings.root / "landing" / "tiny" / "customers" / "2025-01.csv", "delivered")
    write(settings.root / "tmp" / "half", "working")
    write(settings.root / "serving" / "log" / "tiny" / "1-a.open", "being written")
    write(settings.root / "secrets" / "phone_hash.key", "key")
    (settings.root / "secrets" / "phone_hash.key").chmod(0o600)
    with new_folder(settings.published_dir / "tiny" / "models" / "1") as draft:
        (draft / "model.onnx").write_text("model")
    with closing(sqlite3.connect(settings.root / "catalog.sqlite")) as catalog, catalog:
        catalog.execute("create table files (name text)")
        catalog.execute("insert into files values ('1.parquet')")
    return settings


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Where back-ups are kept."""
    return open_store(tmp_path / "kept", setting="the place given")


def write(path: Path, text: str) -> None:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def objects(store: Store) -> int:
    """How many contents are kept."""
    return len(list(store.list("objects")))


def test_it_comes_back_as_it_was(settings, store, tmp_path):
    """Files, databases, links and rights; working files and deliveries are left out."""
    name, made = back_up(settings, store, now=FIRST)
    assert (name, names(store)) == ("2026-01-02T030000Z", ["2026-01-02T030000Z"])
    new = tmp_path / "new"
    assert restore(store, new) == made
    assert (new / "lake" / "tiny" / "1.parquet").read_text() == "rows"
    assert (new / "published" / "tiny" / "models" / "1" / "model.onnx").read_text() == "model"
    assert (new / "published" / "tiny" / "models" / "1").is_symlink()
    assert (new / "secrets" / "phone_hash.key").stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(new / "catalog.sqlite")) as catalog:
        assert catalog.execute("select name from files").fetchall() == [("1.parquet",)]
    kept = {path.name for path in new.iterdir()}
    assert kept == {"lake", "published", "secrets", "catalog.sqlite"}


def test_deliveries_are_kept_if_asked_for(settings, store, tmp_path):
    """They are the operator's, and large."""
    back_up(settings, store, now=FIRST, landing=True)
    restore(store, tmp_path / "new")
    assert (tmp_path / "new/landing/tiny/customers/2025-01.csv").read_text() == "delivered"


def test_the_next_one_copies_what_is_new(settings, store, tmp_path):
    """Contents that an earlier back-up holds are shared; each still comes back as it was then."""
    back_up(settings, store, now=FIRST)
    before = objects(store)
    write(settings.root / "lake" / "tiny" / "2.parquet", "more rows")
    (settings.root / "lake" / "tiny" / "1.parquet").unlink()
    back_up(settings, store, now=SECOND)
    assert objects(store) == before + 1
    restore(store, tmp_path / "old", name="2026-01-02T030000Z")
    restore(store, tmp_path / "new")
    assert [path.name for path in (tmp_path / "old/lake/tiny").iterdir()] == ["1.parquet"]
    assert [path.name for path in (tmp_path / "new/lake/tiny").iterdir()] == ["2.parquet"]


def test_a_database_is_copied_while_it_is_written(settings, store, tmp_path):
    """What is committed comes back; what a writer has begun does not."""
    writer = sqlite3.connect(settings.root / "catalog.sqlite", isolation_level=None)
    with closing(writer):
        writer.execute("pragma journal_mode = wal")
        writer.execute("insert into files values ('2.parquet')")
        writer.execute("begin immediate")
        writer.execute("insert into files values ('3.parquet')")
        back_up(settings, store, now=FIRST)
        writer.execute("rollback")
    restore(store, tmp_path / "new")
    with closing(sqlite3.connect(tmp_path / "new" / "catalog.sqlite")) as catalog:
        found = catalog.execute("select name from files order by name").fetchall()
    assert found == [("1.parquet",), ("2.parquet",)]


def test_nothing_is_restored_over_what_is_there(settings, store):
    """The folder's own files stay; the error says where to go."""
    back_up(settings, store, now=FIRST)
    with pytest.raises(BackupError, match="is not empty"):
        restore(store, settings.root)


def test_a_restore_that_was_cut_short_goes_on(settings, store, tmp_path, monkeypatch):
    """The same command again completes it, and takes what has arrived."""
    back_up(settings, store, now=FIRST)
    new, download = tmp_path / "new", store.download
    fetched: list[str] = []

    def killed(key: str, target: Path) -> str:
        if len(fetched) == 2:
            raise OSError("killed")
        fetched.append(key)
        return download(key, target)

    with monkeypatch.context() as patch:
        patch.setattr(store, "download", killed)
        with pytest.raises(OSError, match="killed"):
            restore(store, new)
    assert (new / UNFINISHED).exists()
    made = restore(store, new)
    assert not (new / UNFINISHED).exists()
    assert all((new / file.path).exists() for file in made.files)


def test_contents_that_were_changed_are_not_restored(settings, store, tmp_path):
    """The file and the object are named."""
    back_up(settings, store, now=FIRST)
    for found in list(store.list("objects")):
        if store.get(found.key).data == b"rows":
            store.put(found.key, b"other")
    with pytest.raises(BackupError, match=r"lake/tiny/1\.parquet cannot be restored"):
        restore(store, tmp_path / "new")


def test_what_is_not_there_is_named(settings, store, tmp_path):
    """No back-up at all, and none of that name."""
    with pytest.raises(BackupError, match="holds no back-up"):
        restore(store, tmp_path / "new")
    back_up(settings, store, now=FIRST)
    with pytest.raises(BackupError, match="there are 2026-01-02T030000Z"):
        restore(store, tmp_path / "new", name="2020-01-01T000000Z")


def test_a_catalog_on_a_server_is_refused(tmp_path, store):
    """Its own means make a back-up of one moment; the page that says how is named."""
    settings = load_settings(data_dir=tmp_path / "data", catalog="postgres:dbname=lake host=db")
    with pytest.raises(BackupError, match="pg_dump"):
        back_up(settings, store, now=FIRST)
    assert names(store) == []
