"""Damaged and missing files are found, named, and healed by writing their month again."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import pytest

from churn_platform.errors import UnreadableMonthError, WarehouseError
from churn_platform.warehouse.damage import drop_damaged, dropped_months, find_damage, require_sound
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.lake_files import lake_files
from churn_platform.warehouse.lake_notes import CHECKSUMS_FILE
from churn_platform.warehouse.maintenance import maintain, settle
from churn_platform.warehouse.tables import current_snapshot, ensure_table, replace_month, write
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY

TABLE, COLUMNS = "s.t", {"month": "date", "x": "integer", "y": "double"}


def rows(month: date, first: int = 0) -> str:
    """A query for 5,000 rows of a month, enough for a file of its own."""
    return (
        f"select date '{month}' as month, range as x, random() as y from range({first}, "
        f"{first + 5_000})"
    )


@pytest.fixture
def connection(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A lake with two months of a table."""

    def work() -> None:
        ensure_table(connection, TABLE, COLUMNS)
        for month in (JANUARY, FEBRUARY):
            replace_month(connection, TABLE, month, rows(month))

    with closing(connect(lake)) as connection:
        write(connection, lake, work)
        yield connection


def remove(path: Path) -> None:
    """The file is gone."""
    path.unlink()


def cut(path: Path) -> None:
    """The file ends early."""
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    """One bit in the middle of a column differs."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def garble(path: Path) -> None:
    """The size is right and nothing else."""
    path.write_bytes(b"x" * path.stat().st_size)


DAMAGES = {remove: "is missing", cut: "instead of", flip: "other content", garble: "other content"}


def file_of(connection: duckdb.DuckDBPyConnection, lake: Lake, month: date) -> Path:
    """The one file that the newest state has for a month."""
    (file,) = lake_files(connection, lake, f"is_live and month = date '{month}'")
    return Path(lake.files, file.key)


def live_damage(connection: duckdb.DuckDBPyConnection, lake: Lake) -> list[str]:
    """What is wrong with the newest state."""
    return [
        f"{damage} | {damage.cure}"
        for damage in find_damage(lake, lake_files(connection, lake, "is_live"))
    ]


@pytest.mark.parametrize("damage", DAMAGES)
def test_writing_the_month_again_heals_it(connection, lake, damage: Callable[[Path], None]):
    """The damage is named with its cure, and a month that is written again is whole whatever was
    wrong.
    """
    path = file_of(connection, lake, JANUARY)
    damage(path)
    (told,) = live_damage(connection, lake)
    assert f"s.t of 2025-01: {path}" in told
    assert DAMAGES[damage] in told
    assert told.endswith("| churn materialize s.t --month 2025-01")

    write(connection, lake, lambda: replace_month(connection, TABLE, JANUARY, rows(JANUARY, 7)))

    counts = connection.execute(
        f"select month, count(*), min(x) from {TABLE} group by month order by month"
    ).fetchall()
    assert counts == [(JANUARY, 5000, 7), (FEBRUARY, 5000, 0)]
    assert live_damage(connection, lake) == []


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_reader_that_asks_is_told_of_damage(connection, lake, damage: Callable[[Path], None]):
    """Bit rot that DuckDB reads without an error is refused as well; another month is not touched
    by it.
    """
    damage(file_of(connection, lake, JANUARY))
    with pytest.raises(
        WarehouseError, match=r"s\.t of 2025-01: .*; make it again: `churn materialize s\.t --month"
    ):
        require_sound(connection, lake, [TABLE], JANUARY)
    require_sound(connection, lake, [TABLE], FEBRUARY)


def test_a_failed_write_that_is_no_damage_is_told_as_it_was(connection, lake):
    """Where all files are sound, the first error is the one that is raised, and
    nothing is dropped.
    """
    before = current_snapshot(connection)

    def work() -> None:
        raise UnreadableMonthError(TABLE, JANUARY) from duckdb.IOException("the disk is on fire")

    with pytest.raises(duckdb.IOException, match="on fire"):
        write(connection, lake, work)
    assert current_snapshot(connection) == before


def test_deleted_rows_of_a_damaged_month_do_not_come_back(connection, lake):
    """Files of deleted rows go with the month's files, small deletes in the catalog too, and
    maintenance works on.
    """
    write(connection, lake, lambda: connection.execute(f"delete from {TABLE} where x % 2 = 0"))
    write(connection, lake, lambda: connection.execute(f"delete from {TABLE} where x = 1"))
    data = next(
        file
        for file in lake_files(connection, lake, f"month = date '{JANUARY}'")
        if "delete" not in file.key
    )
    remove(Path(lake.files, data.key))
    write(connection, lake, lambda: replace_month(connection, TABLE, JANUARY, rows(JANUARY)))
    maintain(lake, settle)
    assert connection.execute(
        f"select count(*) from {TABLE} where month = ?", [JANUARY]
    ).fetchall() == [(5000,)]
    assert connection.execute(
        f"select count(*) from {TABLE} where month = ?", [FEBRUARY]
    ).fetchall() == [(2499,)]
    assert live_damage(connection, lake) == []


def test_maintenance_does_not_pack_a_damaged_file(connection, lake):
    """Rewriting would give bit rot a new checksum: it is refused before anything is rewritten."""
    path = file_of(connection, lake, JANUARY)
    write(connection, lake, lambda: connection.execute(f"delete from {TABLE} where x % 2 = 0"))
    flip(path)
    with pytest.raises(WarehouseError, match="other content"):
        maintain(lake, settle)


def test_files_from_before_checksums_are_decoded_and_then_kept(connection, lake):
    """An old lake has no checksums: what can be read whole gets one, what cannot is damaged."""
    (Path(lake.files) / CHECKSUMS_FILE).unlink()
    garble(file_of(connection, lake, JANUARY))
    (told,) = live_damage(connection, lake)
    assert "cannot be read" in told
    flip(file_of(connection, lake, FEBRUARY))
    assert "other content" in live_damage(connection, lake)[1]


def test_a_kill_between_drop_and_write_is_noticed(connection, lake):
    """A month that was dropped and not written is told with its cure, until it is written."""
    cut(file_of(connection, lake, JANUARY))
    assert len(drop_damaged(lake, [TABLE], [JANUARY, FEBRUARY])) == 1

    assert live_damage(connection, lake) == []
    (told,) = dropped_months(lake)
    assert str(told).startswith("s.t of 2025-01: was dropped")
    with pytest.raises(WarehouseError, match="was dropped"):
        require_sound(connection, lake, [TABLE], JANUARY)

    write(connection, lake, lambda: replace_month(connection, TABLE, JANUARY, rows(JANUARY)))
    assert dropped_months(lake) == []


def test_a_damaged_month_may_be_replaced_by_no_rows(connection, lake):
    """An empty month has no file to tell that it was written."""
    cut(file_of(connection, lake, JANUARY))
    none = f"{rows(JANUARY)} where false"
    write(connection, lake, lambda: replace_month(connection, TABLE, JANUARY, none))
    assert dropped_months(lake) == []
