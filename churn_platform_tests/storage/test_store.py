"""What each kind of store promises: a folder, memory, and a real S3 server."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from churn_platform.errors import (
    NoSuchObjectError,
    ObjectChangedError,
    ObjectExistsError,
    StoreError,
)
from churn_platform_tests.storage.conftest import SETTING

KEY = "telecomit/live.json"


def test_what_is_put_is_got(store):
    """With the tag of exactly these bytes."""
    e_tag = store.put(KEY, b"first")
    content = store.get(KEY)
    assert (content.data, content.e_tag) == (b"first", e_tag)


def test_an_object_that_has_not_changed_is_not_sent(store):
    """A reader that knows its tag gets None, and the bytes once they are others."""
    known = store.put(KEY, b"first")
    assert store.get(KEY, if_none_match=known) is None
    store.put(KEY, b"other")
    assert store.get(KEY, if_none_match=known).data == b"other"


def test_a_missing_object_is_named(store):
    """With the key, the location and the setting."""
    with pytest.raises(NoSuchObjectError) as error:
        store.get(KEY)
    assert {part for part in (KEY, store.location, SETTING) if part in str(error.value)} == {
        KEY,
        store.location,
        SETTING,
    }


def test_nothing_is_known_of_a_missing_object(store):
    """`head` says so without an error, for it is the question."""
    assert store.head(KEY) is None
    store.put(KEY, b"first")
    assert store.head(KEY).size_bytes == 5


def test_a_taken_key_is_not_created_again(store):
    """The first object stays."""
    store.put(KEY, b"first", mode="create")
    with pytest.raises(ObjectExistsError, match=SETTING):
        store.put(KEY, b"second", mode="create")
    assert store.get(KEY).data == b"first"


def test_an_object_that_was_changed_is_not_replaced(store):
    """Nor one that is gone: a writer that read an older one has to read again."""
    old = store.put(KEY, b"first")
    store.put(KEY, b"other")
    with pytest.raises(ObjectChangedError, match=SETTING):
        store.put(KEY, b"third", if_match=old)
    assert store.get(KEY).data == b"other"
    with pytest.raises(ObjectChangedError, match=SETTING):
        store.put("gone", b"third", if_match=old)


def test_of_writers_that_read_the_same_one_succeeds(store):
    """Eight threads count up by compare-and-swap, and no step is lost."""
    store.put(KEY, b"0")

    def count_up(_):
        while True:
            read = store.get(KEY)
            try:
                return store.put(KEY, b"%d" % (int(read.data) + 1), if_match=read.e_tag)
            except ObjectChangedError:
                continue

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count_up, range(24)))
    assert store.get(KEY).data == b"24"


def test_of_writers_that_create_the_same_one_succeeds(store):
    """And what it wrote is there."""

    def create(number):
        try:
            store.put(KEY, b"%d" % number, mode="create")
        except ObjectExistsError:
            return None
        return number

    with ThreadPoolExecutor(8) as threads:
        created = [number for number in threads.map(create, range(8)) if number is not None]
    assert [b"%d" % number for number in created] == [store.get(KEY).data]


def test_objects_are_listed_by_folder(store):
    """A prefix is a folder's key: neither a part of a name nor the name of an object."""
    for key in ("a/1", "a/b/2", "ab/3", "4"):
        store.put(key, b"x")
    assert sorted(found.key for found in store.list()) == ["4", "a/1", "a/b/2", "ab/3"]
    assert sorted(found.key for found in store.list("a/")) == ["a/1", "a/b/2"]
    assert list(store.list("none")) == []


def test_an_object_is_removed_once_and_for_all(store):
    """A key without an object is no error: a removal that was cut short is run again."""
    store.put("a", b"x")
    store.put("b", b"x")
    store.delete("a", "none", "b")
    store.delete("a")
    assert list(store.list()) == []


def test_files_go_there_and_back(store, tmp_path):
    """Byte by byte, in new folders where needed, and without a draft left."""
    source, target = tmp_path / "source", tmp_path / "new" / "target"
    source.write_bytes(bytes(range(256)) * 30_000)  # more than one part of an upload
    e_tag = store.upload(source, KEY)
    assert store.download(KEY, target) == e_tag == store.head(KEY).e_tag
    assert target.read_bytes() == source.read_bytes()
    assert list(target.parent.iterdir()) == [target]


def test_a_file_is_not_uploaded_over_another(store, tmp_path):
    """In mode `create`, as bytes are."""
    (tmp_path / "source").write_bytes(b"x")
    store.upload(tmp_path / "source", KEY, mode="create")
    with pytest.raises(ObjectExistsError):
        store.upload(tmp_path / "source", KEY, mode="create")


@pytest.mark.parametrize("content", [b"", b"ab", b"abcdef"])
def test_the_start_of_an_object(store, content):
    """What tells its format, without the rest."""
    store.put(KEY, content)
    assert store.get_start(KEY, 3) == content[:3]


@pytest.mark.parametrize("key", ["a b/ü.txt", "month=2025-01-01/x", "100%41", "a#b?c&d+e"])
def test_a_key_may_have_any_sign(store, key):
    """It comes back as it was given."""
    store.put(key, b"x")
    assert [found.key for found in store.list()] == [key]
    assert store.get(key).data == b"x"


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/./b"])
def test_a_key_has_one_spelling(store, key):
    """And leads to nothing outside the store."""
    with pytest.raises(StoreError, match="no key"):
        store.put(key, b"x")
