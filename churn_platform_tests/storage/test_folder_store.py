"""What a folder needs besides, to keep the promises of a store."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from churn_platform.errors import NoSuchObjectError, ObjectExistsError, StoreRefusedError
from churn_platform.storage.folder_store import FolderStore


@pytest.fixture
def folder(tmp_path):
    """A folder that is not there yet."""
    return tmp_path / "store"


@pytest.fixture
def store(folder):
    """A store in it."""
    return FolderStore(folder, "CHURN_PLACE")


def test_two_versions_of_one_size_have_two_tags(store):
    """Within a tick of the file system's clock, and where a number of a file is used again."""
    tags = [store.put("a", b"%03d" % number) for number in range(200)]
    assert len(set(tags)) == 200


def test_an_object_may_vanish_at_any_moment(store):
    """A writer and a remover of one object meet no error but that it exists already."""

    def write(_: int) -> None:
        with suppress(ObjectExistsError):
            store.put("a", b"x", mode="create")

    def remove(_: int) -> None:
        store.delete("a")
        store.head("a")
        list(store.list())

    with ThreadPoolExecutor(4) as pool:
        acts = [pool.submit(act, number) for number in range(300) for act in (write, remove)]
    for act in acts:
        act.result()


def test_a_tag_is_of_what_was_written(store, monkeypatch):
    """Not of what another writer put there in the same moment."""
    keep = FolderStore._keep

    def kept_and_replaced(self, draft, key, **how):
        tag = keep(self, draft, key, **how)
        monkeypatch.undo()
        store.put(key, b"another's")
        return tag

    monkeypatch.setattr(FolderStore, "_keep", kept_and_replaced)
    assert store.put("a", b"mine") != store.get("a").e_tag


def test_an_error_while_writing_leaves_the_old_object(store, folder):
    """And nothing of the draft."""
    store.put("a", b"old")
    with pytest.raises(NoSuchObjectError):
        store.upload(folder / "none", "a")
    assert [path.name for path in folder.iterdir()] == ["a"]
    assert store.get("a").data == b"old"


def test_what_a_killed_writer_left_is_no_object(store, folder):
    """Its draft is under a name of its own."""
    store.put("a", b"x")
    (folder / ".b.123-456.draft").write_bytes(b"half")
    assert [found.key for found in store.list()] == ["a"]


def test_a_link_to_elsewhere_is_no_object(store, folder, tmp_path):
    """Neither listed nor known: it is another's file."""
    store.put("a", b"x")
    (tmp_path / "other").write_bytes(b"y")
    (folder / "link").symlink_to(tmp_path / "other")
    assert [found.key for found in store.list()] == ["a"]
    assert store.head("link") is None


def test_a_folder_that_may_not_be_read_is_no_empty_one(store, folder, monkeypatch):
    """A list would be short without a word."""
    store.put("a/b", b"x")

    def refuse(*_):
        raise PermissionError(13, "Permission denied", str(folder / "a"))

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(StoreRefusedError, match="CHURN_PLACE"):
        list(store.list())
