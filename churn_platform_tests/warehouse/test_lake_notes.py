"""Notes beside a lake are kept whoever else writes them."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace

import pytest

from churn_platform.errors import WarehouseBusyError
from churn_platform.warehouse import lake_notes
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.lake_notes import (
    Notes,
    dropped,
    forget_dropped,
    keep_checksums,
    kept_checksums,
    note_dropped,
)
from churn_platform.warehouse.tables import ensure_table, replace_month, write
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY


@pytest.fixture
def host_lake(lake, new_catalog, s3_url, s3_server):
    """A lake whose notes are in Postgres."""
    made = replace(lake, catalog=new_catalog, files=s3_url, store=s3_server.options)
    connect(made).close()
    return made


def test_two_writers_may_note_the_same_file(host_lake, monkeypatch):
    """Each notes what it finds, the other's new files too; the later one begins again."""
    forget, calls = lake_notes._forget, []

    def meanwhile(notes: Notes, keys: Iterable[str]) -> None:
        forget(notes, keys)
        calls.append(keys)
        if len(calls) == 1:
            keep_checksums(host_lake, {"a.parquet": "of the other"})

    monkeypatch.setattr(lake_notes, "_forget", meanwhile)
    keep_checksums(host_lake, {"a.parquet": "ours", "b.parquet": "ours"})
    assert kept_checksums(host_lake) == {"a.parquet": "ours", "b.parquet": "ours"}
    assert len(calls) == 3


def test_a_writer_that_is_always_in_the_way_is_told(host_lake, monkeypatch):
    """After the bounded wait, as for the catalog itself."""
    forget = lake_notes._forget

    def meanwhile(notes: Notes, keys: Iterable[str]) -> None:
        forget(notes, keys)
        with monkeypatch.context() as patch:
            patch.setattr(lake_notes, "_forget", forget)
            keep_checksums(host_lake, {"a.parquet": "of the other"})

    monkeypatch.setattr(lake_notes, "_forget", meanwhile)
    with pytest.raises(WarehouseBusyError, match="stayed busy for"):
        keep_checksums(replace(host_lake, wait_seconds=0.1), {"a.parquet": "ours"})


def test_a_write_opens_the_notes_once_by_its_own_connection(host_lake, monkeypatch):
    """On a server three further connections for each were four fifths of a write's time."""
    opened, notes_of = [], lake_notes._notes

    def counted(*given):
        opened.append(given)
        return notes_of(*given)

    with closing(connect(host_lake)) as connection:

        def put() -> None:
            rows = "range(1000)"  # too many to be kept in the catalog
            select = f"select date '{JANUARY}' as month, range as x from {rows}"
            ensure_table(connection, "s.t", {"month": "date", "x": "bigint"})
            replace_month(connection, "s.t", JANUARY, select)

        with monkeypatch.context() as patch:
            patch.setattr(lake_notes, "_notes", counted)
            patch.setattr(lake_notes, "connect_quietly", None)
            write(connection, host_lake, put)
    assert len(opened) == 1
    assert len(kept_checksums(host_lake)) == 1


def test_only_what_is_written_is_no_longer_dropped(host_lake):
    """Another month that lost its files stays noted."""
    for month in (JANUARY, FEBRUARY):
        note_dropped(host_lake, "s.t", month)
    forget_dropped(host_lake, [("s.t", JANUARY), ("s.other", FEBRUARY)])
    assert dropped(host_lake) == [("s.t", FEBRUARY)]
