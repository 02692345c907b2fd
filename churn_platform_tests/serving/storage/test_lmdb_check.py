"""Whether an LMDB file can be read to its end, found out where a crash hurts nobody."""

import os
import subprocess

import lmdb
import pytest

from serving.storage import lmdb_check
from serving.storage.lmdb_check import read_all, reads_to_its_end


@pytest.fixture
def store(tmp_path):
    """A file with 200 entries of a page each."""
    path = tmp_path / "store.lmdb"
    with lmdb.open(str(path), subdir=False) as opened, opened.begin(write=True) as transaction:
        for number in range(200):
            transaction.put(f"{number:03d}".encode(), b"x" * 4_000)
    return path


def test_a_whole_file_is_read(store):
    """Every entry, and nothing is raised."""
    read_all(store)
    assert reads_to_its_end(store)


def test_a_file_that_ends_too_early_is_found(store):
    """The reader may be killed by it; the process that asks is not."""
    os.truncate(store, store.stat().st_size // 4)
    assert not reads_to_its_end(store)


def test_what_takes_too_long_passes_for_sound(store, monkeypatch):
    """What is sound must not be thrown away because a disk is slow."""

    def slow(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("check", 60)

    monkeypatch.setattr(lmdb_check.subprocess, "run", slow)
    assert reads_to_its_end(store)
