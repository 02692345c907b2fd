"""A folder and a store stay in step, and only what is new goes over the line."""

from pathlib import Path

import pytest

from churn_platform.storage.mirror import Mirror
from churn_platform.storage.opening import open_store
from churn_platform.storage.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of its own."""
    return open_store(tmp_path / "store", setting="CHURN_STORE")


def keys(store: Store) -> list[str]:
    """What the store holds."""
    return [found.key for found in store.list()]


def test_what_one_host_sends_another_fetches_once(tmp_path, store):
    """A file goes over the line when it is new or changed, and hidden ones never do."""
    here, there = tmp_path / "a", tmp_path / "b"
    (here / "acme" / "customers").mkdir(parents=True)
    landed = here / "acme" / "customers" / "2025-01.csv"
    landed.write_text("id\n1\n")
    landed.with_name(".2025-01.unfinished").write_text("half")
    assert Mirror(store, here).send() == [landed]
    assert Mirror(store, here).send() == []
    copy = there / "acme" / "customers" / "2025-01.csv"
    assert Mirror(store, there).fetch("acme") == [copy]
    assert copy.read_text() == "id\n1\n"
    assert Mirror(store, there).fetch() == []
    assert Mirror(store, there).send() == []
    assert keys(store) == ["acme/customers/2025-01.csv"]
    landed.write_text("id\n2\n")
    assert Mirror(store, here).send("acme") == [landed]
    assert Mirror(store, there).fetch() == [copy]
    assert copy.read_text() == "id\n2\n"


def test_what_is_gone_here_goes_from_the_store(tmp_path, store):
    """Below the prefix alone, and only what this host has known."""
    here = tmp_path / "a"
    for name in ("acme/one.csv", "other/two.csv"):
        (here / name).parent.mkdir(parents=True)
        (here / name).write_text(name)
    Mirror(store, here).send()
    store.put("acme/foreign.csv", b"of another host")
    (here / "acme" / "one.csv").unlink()
    (here / "other" / "two.csv").unlink()
    Mirror(store, here).send("acme")
    assert keys(store) == ["acme/foreign.csv", "other/two.csv"]


def test_a_file_that_vanished_here_is_fetched_again(tmp_path, store):
    """The note alone is no file."""
    store.put("acme/one.csv", b"one")
    mirror = Mirror(store, tmp_path / "a")
    (path,) = mirror.fetch()
    path.unlink()
    assert mirror.fetch() == [path]


def test_what_was_done_before_a_failure_is_not_done_again(tmp_path, store):
    """A store that goes away in the middle costs no second transfer of what had arrived."""
    store.put("a.csv", b"a")
    store.put("b.csv", b"b")
    mirror = Mirror(store, tmp_path / "a")
    download = store.download

    def failing(key: str, target: Path) -> str:
        if key == "b.csv":
            raise OSError("away")
        return download(key, target)

    store.download = failing  # type: ignore[method-assign]
    with pytest.raises(OSError, match="away"):
        mirror.fetch()
    store.download = download  # type: ignore[method-assign]
    assert [path.name for path in mirror.fetch()] == ["b.csv"]
