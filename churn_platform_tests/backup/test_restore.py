"""A back-up goes into an empty place, whole."""

from pathlib import Path

import pytest

from churn_platform.backup.back_up import back_up
from churn_platform.backup.restore import UNFINISHED, restore
from churn_platform.errors import BackupError
from churn_platform_tests.backup.conftest import FIRST, put_back


def test_nothing_is_restored_over_what_is_there(settings, store):
    """The folder's own files stay; the error says where to go."""
    back_up(settings, store, now=FIRST)
    with pytest.raises(BackupError, match="is not empty"):
        restore(settings, store)


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
            put_back(store, new)
    assert (new / UNFINISHED).exists()
    made = put_back(store, new)
    assert not (new / UNFINISHED).exists()
    assert all((new / file.path).exists() for file in made.files)


def test_contents_that_were_changed_are_not_restored(settings, store, tmp_path):
    """The file and the object are named."""
    back_up(settings, store, now=FIRST)
    for found in list(store.list("objects")):
        if store.get(found.key).data == b"rows":
            store.put(found.key, b"other")
    with pytest.raises(BackupError, match=r"lake/tiny/1\.parquet cannot be restored"):
        put_back(store, tmp_path / "new")
