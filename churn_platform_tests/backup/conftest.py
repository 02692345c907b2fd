"""An installation to back up, and a place for back-ups."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from churn_platform.backup.catalogue import Backup
from churn_platform.backup.restore import restore
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


def put_back(store: Store, folder: Path, **more: str) -> Backup:
    """Restore into a new data folder."""
    return restore(load_settings(data_dir=folder), store, **more)
