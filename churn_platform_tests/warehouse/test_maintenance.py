"""A lake that is tidied keeps what it holds, what is needed of its past, and nothing else."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.maintenance import call, tidy
from churn_platform.warehouse.purge import data_files
from churn_platform.warehouse.tables import current_snapshot, replace_rows, write
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY
from churn_platform_tests.warehouse.conftest import Start

AT_ONCE = timedelta(0)
LATER = datetime(2100, 1, 1)
COLUMNS = {"month": "date", "place": "bigint"}
LARGE, SMALL = 1_000, 3  # more rows than DuckLake keeps in its catalog, and fewer


class World:
    """A lake with a large and a small table, and what they held at each snapshot."""

    def __init__(self, lake: Lake, connection: duckdb.DuckDBPyConnection):
        self.lake, self.connection = lake, connection
        self.held: dict[int, Any] = {}

    def deliver(self, month: date, first: int = 0) -> int:
        """Replace a month of both tables; the snapshot that it makes."""
        for table, rows in (("large", LARGE), ("small", SMALL)):
            new = pa.table(
                {"month": pa.array([month] * rows), "place": list(range(first, first + rows))}
            )
            put = partial(replace_rows, self.connection, f"t.{table}", COLUMNS, month, new)
            write(self.connection, self.lake, put)
        snapshot = current_snapshot(self.connection)
        self.held[snapshot] = self.read(snapshot)
        return snapshot

    def read(self, snapshot: int) -> list[tuple]:
        """What both tables held at a snapshot."""
        query = " union all ".join(
            f"select '{table}', month, count(*), sum(place) "
            f"from t.{table} at (version => {snapshot}) group by all"
            for table in ("large", "small")
        )
        return sorted(self.connection.execute(query).fetchall())

    def snapshots(self) -> set[int]:
        """The snapshots there are."""
        return {
            row[0] for row in self.connection.execute("from ducklake_snapshots('lake')").fetchall()
        }


@pytest.fixture
def world(lake: Lake) -> Iterator[World]:
    """January delivered twice, and February."""
    with closing(connect(lake)) as connection:
        made = World(lake, connection)
        made.deliver(JANUARY)
        made.deliver(FEBRUARY)
        made.deliver(JANUARY, first=7)
        yield made


@invariant("Care", "Housekeeping changes no table.")
def test_tables_stay_as_they_are_and_the_past_goes(world: World):
    """Nothing of a table changes; snapshots and the files that only they need are gone."""
    newest = max(world.held)
    before = len(data_files(world.lake))
    tidy(world.lake, [], until=LATER, grace=AT_ONCE)
    assert world.read(current_snapshot(world.connection)) == world.held[newest]
    assert len([key for key in data_files(world.lake) if "/large/" in key]) == 2 < before
    assert world.snapshots().isdisjoint(world.held.keys() - {newest})


@invariant("Care", "A snapshot that is still needed reads as before.")
def test_a_needed_snapshot_reads_as_before(world: World):
    """Whatever is rewritten and merged around it, in files and in the catalog,
    and however often.
    """
    first = min(world.held)
    for _ in range(3):
        tidy(world.lake, [first], until=LATER, grace=AT_ONCE)
        world.deliver(FEBRUARY, first=100)
        assert world.read(first) == world.held[first]


def test_a_state_since_then_can_be_travelled_to(world: World):
    """Of the older snapshots, the one that was in force at the time stays as well."""
    times = dict(
        world.connection.execute(
            "select snapshot_id, snapshot_time from ducklake_snapshots('lake')"
        ).fetchall()
    )
    first, second, third = world.held
    tidy(world.lake, [], until=times[third] - timedelta(microseconds=1), grace=AT_ONCE)
    assert first not in world.snapshots()
    assert second not in world.snapshots(), "the small table of January came between"
    assert third - 1 in world.snapshots()
    assert world.read(third) == world.held[third]


def test_small_deliveries_are_packed(world: World):
    """Files that were added one by one to a month become one."""
    for first in range(5):
        query = f"insert into t.large select date '2025-03-01', range + {first} from range({LARGE})"
        write(world.connection, world.lake, lambda query=query: world.connection.execute(query))
    tidy(world.lake, [], until=LATER, grace=AT_ONCE)
    assert len(list(Path(world.lake.files).glob("t/large/month=2025-03-01/*.parquet"))) == 1


def test_tidying_again_changes_nothing(world: World):
    """The second time there is nothing left to do."""
    tidy(world.lake, [], until=LATER, grace=AT_ONCE)
    tidy(world.lake, [], until=LATER, grace=AT_ONCE)
    files, newest = data_files(world.lake), current_snapshot(world.connection)
    done = tidy(world.lake, [], until=LATER, grace=AT_ONCE)
    assert (done.snapshots, done.files) == (0, 0)
    assert (data_files(world.lake), current_snapshot(world.connection)) == (files, newest)


def test_readers_keep_their_files_for_a_day(world: World):
    """Somebody who began to read before can finish: files go at a later call."""
    files = set(data_files(world.lake))
    assert tidy(world.lake, [], until=LATER).files == 0
    assert files <= set(data_files(world.lake))


@pytest.mark.parametrize(
    "step", ["expire_snapshots", "flush_inlined_data", "rewrite_data_files", "cleanup_old_files"]
)
@invariant("Care", "Housekeeping that was cut short is completed by the next.")
def test_a_kill_between_steps_is_completed(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
):
    """Cut short after any step, the lake holds what it held, and the next call does the rest."""
    newest = max(world.held)

    def killed(connection: duckdb.DuckDBPyConnection, function: str, *options: str) -> list[tuple]:
        rows = call(connection, function, *options)
        if function == step:
            raise KeyboardInterrupt
        return rows

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("churn_platform.warehouse.maintenance.call", killed)
        tidy(world.lake, [], until=LATER, grace=AT_ONCE)
    assert world.read(current_snapshot(world.connection)) == world.held[newest]
    tidy(world.lake, [], until=LATER, grace=AT_ONCE)
    assert world.read(current_snapshot(world.connection)) == world.held[newest]
    assert len([key for key in data_files(world.lake) if "/large/" in key]) == 2


def test_a_file_that_went_before_its_entry_is_no_error(world: World, tmp_path: Path):
    """A kill while files are removed leaves entries of files that are gone."""
    before = data_files(world.lake)
    tidy(world.lake, [], until=LATER)
    shutil.move(Path(world.lake.files, before[0]), tmp_path)
    tidy(world.lake, [], until=LATER, grace=AT_ONCE)
    assert len([key for key in data_files(world.lake) if "/large/" in key]) == 2


@invariant("Care", "Readers see whole months while housekeeping runs.")
def test_readers_work_meanwhile(world: World, start: Start):
    """A process that reads while the lake is tidied again and again sees whole months, always."""
    reader = start(
        "with_lake = connect(lake, read_only=True)\nprint('reading', flush=True)\n"
        "for _ in range(60):\n"
        "    counted = with_lake.execute('select count(*), sum(place) from t.large').fetchone()\n"
        f"    assert counted == ({2 * LARGE}, {sum(range(LARGE)) * 2 + 7 * LARGE}), counted\n"
    )
    assert reader.stdout is not None
    reader.stdout.readline()
    for _ in range(4):
        tidy(world.lake, [], until=LATER)
    _, errors = reader.communicate(timeout=60)
    assert reader.returncode == 0, errors


def test_a_postgres_catalog_is_tidied_as_well(lake: Lake, postgres: str):
    """The same functions, and no file of another writer."""
    with closing(connect(other := replace(lake, catalog=postgres))) as connection:
        world = World(other, connection)
        first, _, newest = (
            world.deliver(JANUARY),
            world.deliver(FEBRUARY),
            world.deliver(JANUARY, first=7),
        )
        assert tidy(other, [first], until=LATER, grace=AT_ONCE).snapshots == 5, (
            "of seven, all but two"
        )
        assert world.read(first) == world.held[first]
        assert world.read(current_snapshot(connection)) == world.held[newest]
