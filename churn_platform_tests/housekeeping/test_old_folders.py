"""Folders by month: the old go as a whole, whatever a kill has left of them."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from churn_platform.housekeeping.old_folders import (
    Size,
    months_in,
    newest_months,
    remove_months,
    remove_untouched,
    size_of,
)
from churn_platform.published.atomic_files import new_folder
from churn_platform_tests.support.tiny import FEBRUARY, MARCH

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def publish(folder: Path, month: str) -> Path:
    """A folder of a month as publication makes it."""
    with new_folder(folder / month) as draft:
        (draft / "customers").write_text("12345")
    return folder / month


def test_months_go_with_what_lies_behind_their_link(tmp_path: Path):
    """Older ones leave nothing; the others, and what is no month, stay."""
    for month in ("2024-12", "2025-01", "2025-02"):
        publish(tmp_path, month)
    (tmp_path / "2025-01x").mkdir()
    (tmp_path / "readme").write_text("no month")
    assert remove_months(tmp_path, before=FEBRUARY) == ["2024-12", "2025-01"]
    left = {path.name for path in tmp_path.iterdir()}
    assert {"2025-02", "readme"} < left
    assert not [name for name in left if "2024" in name or name.startswith(".2025-01")]
    assert (tmp_path / "2025-02" / "customers").read_text() == "12345"


def test_plain_folders_go_too(tmp_path: Path):
    """Reports lie in folders that are no links."""
    (tmp_path / "2025-01").mkdir()
    (tmp_path / "2025-01" / "page.html").write_text("page")
    assert remove_months(tmp_path, before=FEBRUARY) == ["2025-01"]
    assert list(tmp_path.iterdir()) == []


def test_a_removal_that_was_killed_is_completed(tmp_path: Path):
    """Without its link a month is seen by nobody, and its files go the next time."""
    publish(tmp_path, "2025-01").unlink()
    assert months_in(tmp_path) == ["2025-01"]
    assert remove_months(tmp_path, before=FEBRUARY) == ["2025-01"]
    assert list(tmp_path.iterdir()) == []
    assert remove_months(tmp_path / "nowhere", before=FEBRUARY) == []


def test_an_open_file_is_read_to_its_end(tmp_path: Path):
    """As the service does with the look-up of a month that goes."""
    with (publish(tmp_path, "2025-01") / "customers").open() as file:
        remove_months(tmp_path, before=FEBRUARY)
        assert file.read() == "12345"


@pytest.mark.parametrize(
    ("count", "oldest"), [(1, MARCH), (2, FEBRUARY), (3, date.min), (9, date.min)]
)
def test_the_newest_months_stay(tmp_path: Path, count: int, oldest: date):
    """Counted as they lie there, gaps or not."""
    for month in ("2024-11", "2025-02", "2025-03"):
        (tmp_path / month).mkdir()
    assert newest_months(tmp_path, count) == oldest


def test_a_size_counts_each_file_once(tmp_path: Path):
    """Links count nothing; a file is a place, too; what is not there weighs nothing."""
    publish(tmp_path, "2025-01")
    assert size_of(tmp_path) == Size(1, 5)
    assert size_of(tmp_path / "2025-01" / "customers") == Size(1, 5)
    assert size_of(tmp_path / "nowhere") == Size(0, 0)


def test_working_files_go_when_nothing_is_written_any_more(tmp_path: Path):
    """A folder is as old as the newest file within."""
    for name, hour in (("old", 11), ("young", 13)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
        for path in (tmp_path / name / "file", tmp_path / name):
            os.utime(path, (moment := datetime(2025, 6, 1, hour, tzinfo=UTC).timestamp(), moment))
    (tmp_path / "old.log").write_text("")
    os.utime(tmp_path / "old.log", (0, 0))
    os.utime(tmp_path / "young", (0, 0))
    assert remove_untouched(tmp_path.iterdir(), since=NOON) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["young"]
