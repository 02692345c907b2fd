"""A back-up is of one moment, holds contents once, and comes back as it was."""

import sqlite3
from contextlib import closing

import pytest

from churn_platform.audit.audit_log import AuditLog
from churn_platform.audit.trail_file import read_records
from churn_platform.backup.back_up import back_up
from churn_platform.backup.catalogue import names
from churn_platform.errors import BackupError
from churn_platform.settings import load_settings
from churn_platform.storage.store import Store
from churn_platform_tests.backup.conftest import FIRST, SECOND, put_back, write


def objects(store: Store) -> int:
    """How many contents are kept."""
    return len(list(store.list("objects")))


def test_it_comes_back_as_it_was(settings, store, tmp_path):
    """Files, databases, links and rights; working files and deliveries are left out."""
    name, made = back_up(settings, store, now=FIRST)
    assert (name, names(store)) == ("2026-01-02T030000Z", ["2026-01-02T030000Z"])
    new = tmp_path / "new"
    assert put_back(store, new) == made
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
    put_back(store, tmp_path / "new")
    assert (tmp_path / "new/landing/tiny/customers/2025-01.csv").read_text() == "delivered"


def test_the_next_one_copies_what_is_new(settings, store, tmp_path):
    """Contents that an earlier back-up holds are shared; each still comes back as it was then."""
    back_up(settings, store, now=FIRST)
    before = objects(store)
    write(settings.root / "lake" / "tiny" / "2.parquet", "more rows")
    (settings.root / "lake" / "tiny" / "1.parquet").unlink()
    back_up(settings, store, now=SECOND)
    assert objects(store) == before + 1
    put_back(store, tmp_path / "old", name="2026-01-02T030000Z")
    put_back(store, tmp_path / "new")
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
    put_back(store, tmp_path / "new")
    with closing(sqlite3.connect(tmp_path / "new" / "catalog.sqlite")) as catalog:
        found = catalog.execute("select name from files order by name").fetchall()
    assert found == [("1.parquet",), ("2.parquet",)]


def test_a_catalog_file_elsewhere_is_refused(tmp_path, store):
    """It would be left out without a word."""
    settings = load_settings(data_dir=tmp_path / "data", catalog=f"sqlite:{tmp_path}/other.sqlite")
    with pytest.raises(BackupError, match="outside of the data folder"):
        back_up(settings, store, now=FIRST)
    assert names(store) == []


def test_the_head_that_is_noted_is_in_the_copy(settings, store, tmp_path):
    """Also where a decision is recorded while the trail is being copied."""
    log = AuditLog(settings.audit_path, "ada", lambda: FIRST)
    decision = {"portfolio": "tiny", "subject": "version 1", "reason": "first"}
    log.append("promotion", **decision)
    upload = store.upload

    def meanwhile(source, key, **options):
        tag = upload(source, key, **options)
        log.append("refusal", **decision)
        return tag

    store.upload = meanwhile
    _, made = back_up(settings, store, now=FIRST)
    put_back(store, tmp_path / "new")
    number, _, digest = made.audit_head.partition(":")
    copied = read_records(tmp_path / "new" / "audit" / "audit.jsonl")
    assert copied[int(number) - 1].sha256 == digest
