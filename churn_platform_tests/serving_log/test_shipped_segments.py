"""Segments of other hosts are ingested once, wherever a kill comes."""

from pathlib import Path

import pytest

from churn_platform.serving_log.shipped_segments import is_waiting, shipped_here
from churn_platform.storage.opening import open_store


def test_what_was_put_away_goes_from_the_store(tmp_path: Path):
    """The block finds the segments of its portfolio in the folder; afterwards no host ships them
    again.
    """
    store = open_store(tmp_path / "store", setting="CHURN_STORE")
    for key in ("tiny/1-a-1.seg", "tiny/2-b-1.seg", "other/1-a-1.seg"):
        store.put(key, key.encode())
    folder = tmp_path / "shipped" / "tiny"
    assert is_waiting(store, "tiny", folder)
    with shipped_here(store, "tiny", folder) as count:
        assert count == 2
        assert (folder / "2-b-1.seg").read_bytes() == b"tiny/2-b-1.seg"
    assert [found.key for found in store.list()] == ["other/1-a-1.seg"]
    assert is_waiting(store, "tiny", folder)
    for path in folder.glob("*.seg"):
        path.unlink()
    assert not is_waiting(store, "tiny", folder)


def test_an_ingestion_that_fails_leaves_them_on_the_store(tmp_path: Path):
    """So that the next one has them, whatever this host has lost."""
    store = open_store(tmp_path / "store", setting="CHURN_STORE")
    store.put("tiny/1-a-1.seg", b"answers")
    with pytest.raises(RuntimeError), shipped_here(store, "tiny", tmp_path / "tiny"):
        raise RuntimeError("killed")
    assert [found.key for found in store.list()] == ["tiny/1-a-1.seg"]


def test_without_a_store_there_are_none(tmp_path: Path):
    """One host ingests what is in its folder."""
    with shipped_here(None, "tiny", tmp_path / "tiny") as count:
        assert count == 0
    assert not is_waiting(None, "tiny", tmp_path / "tiny")
