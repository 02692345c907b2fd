"""Files and folders that their owner alone may read."""

import stat

import pytest

from serving.storage.private_files import own_folder, private_folder, write_privately


def mode(path) -> int:
    """The rights of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_is_taken_from_others(tmp_path):
    """A new one is private with its parents, and one of an earlier version becomes so."""
    private_folder(tmp_path / "state" / "log")
    assert mode(tmp_path / "state" / "log") == 0o700
    (tmp_path / "old").mkdir(mode=0o755)
    private_folder(tmp_path / "old")
    assert mode(tmp_path / "old") == 0o700


def test_a_folder_with_files_of_somebody_keeps_its_rights(tmp_path):
    """A setting may name a home; only an empty folder is taken."""
    tmp_path.chmod(0o755)
    (tmp_path / "notes.txt").touch()
    own_folder(tmp_path)
    assert mode(tmp_path) == 0o755
    (tmp_path / "notes.txt").unlink()
    own_folder(tmp_path)
    assert mode(tmp_path) == 0o700


def test_content_is_replaced_and_private(tmp_path):
    """The new content is there alone, and no draft stays beside it."""
    path = tmp_path / "keys.json"
    path.write_text("a longer content of before")
    write_privately(path, b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    """A full disk costs neither the old content nor a draft."""
    path = tmp_path / "keys.json"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("serving.storage.private_files.os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_privately(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
