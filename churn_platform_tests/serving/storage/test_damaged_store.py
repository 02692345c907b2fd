"""A damaged store of pushed features is set aside; a sound one stays."""

import lmdb
import pytest

from churn_platform.published.pushed_features import OVERLAY_FILE
from serving.storage.damaged_store import LOCK_FILE, TRACES_FILE, set_aside_if_damaged


def damage(folder) -> None:
    """A file that is no store, with what belongs to a store beside it."""
    (folder / OVERLAY_FILE).write_bytes(b"damage" * 3_000)
    for name in (LOCK_FILE, TRACES_FILE):
        (folder / name).touch()


def test_what_is_no_store_is_set_aside(tmp_path, caplog):
    """Under a name of its own, without lock and traces, and the log says what to do."""
    damage(tmp_path)
    assert set_aside_if_damaged(tmp_path) == tmp_path / "damaged-1.mdb"
    assert [path.name for path in tmp_path.iterdir()] == ["damaged-1.mdb"]
    (record,) = caplog.records
    assert "push again" in record.fields["next"]


def test_an_earlier_damaged_store_is_kept(tmp_path):
    """The next one gets the next number."""
    (tmp_path / "damaged-1.mdb").touch()
    damage(tmp_path)
    assert set_aside_if_damaged(tmp_path) == tmp_path / "damaged-2.mdb"


@pytest.mark.parametrize("kind", ["none", "empty", "sound"])
def test_what_can_be_opened_stays(tmp_path, kind):
    """No store, an empty file, which LMDB takes for new, and one that can be read."""
    if kind == "empty":
        (tmp_path / OVERLAY_FILE).touch()
    if kind == "sound":
        lmdb.open(str(tmp_path)).close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert set_aside_if_damaged(tmp_path) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == names
