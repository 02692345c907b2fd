"""Who looked at whom is on disk, newest first when it is read."""

from datetime import UTC, datetime
from pathlib import Path

from serving.page.access_log import Access, newest_accesses, note_access, utc_text


def look(month: int, day: int) -> Access:
    """A look at a customer on a day of 2026."""
    at = utc_text(datetime(2026, month, day, 9, tzinfo=UTC))
    return Access(at, "ada", "look", "tiny", f"C{month}{day}")


def test_the_newest_come_first_over_months(tmp_path: Path):
    """A file for each month, which its owner alone may read."""
    looks = [look(1, 30), look(1, 31), look(2, 1)]
    for each in looks:
        note_access(tmp_path, each)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-01.jsonl", "2026-02.jsonl"]
    assert newest_accesses(tmp_path, count=2) == [looks[2], looks[1]]
    assert newest_accesses(tmp_path, count=9) == looks[::-1]
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


def test_nobody_has_looked_yet(tmp_path: Path):
    """A folder that is not there has no lines."""
    assert newest_accesses(tmp_path / "none", count=5) == []
