"""Folders that grow with every month or run: how large they are, and what of them goes."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from churn_platform.months import parse_month
from churn_platform.published.atomic_files import remove_bundle
from churn_platform.storage.store import StoredObject


@dataclass(frozen=True)
class Size:
    """How much is in a folder, links not followed."""

    files: int
    size_bytes: int

    def __add__(self, other: "Size") -> "Size":
        return Size(self.files + other.files, self.size_bytes + other.size_bytes)


def size_of(place: Path) -> Size:
    """The size of a folder or file; nothing if there is none, or what vanishes meanwhile."""
    if place.is_file():
        return _size_of_file(place)
    if not place.is_dir():
        return Size(0, 0)
    return sum(map(_size_of_file, place.rglob("*")), start=Size(0, 0))


def size_in_store(objects: Iterable[StoredObject]) -> Size:
    """The size of all objects of a store."""
    return sum((Size(1, found.size_bytes) for found in objects), start=Size(0, 0))


def _size_of_file(path: Path) -> Size:
    try:
        return (
            Size(1, path.lstat().st_size)
            if path.is_file() and not path.is_symlink()
            else Size(0, 0)
        )
    except FileNotFoundError:
        return Size(0, 0)


def remove_months(folder: Path, *, before: date) -> list[str]:
    """Remove what a folder holds under the names of months before one, published by link or not;
    returns the names.

    The link goes first, so no one who comes later sees half of it; who has a file open can read it
    to its end.
    """
    gone = [month for month in months_in(folder) if parse_month(month) < before]
    for month in gone:
        remove_bundle(folder / month)
    return gone


def months_in(folder: Path) -> list[str]:
    """The months ('YYYY-MM') that have an entry in a folder, oldest first; one whose removal was
    cut short has, too.
    """
    if not folder.is_dir():
        return []

    months = set()
    for path in folder.iterdir():
        name = path.name.lstrip(".")[:7]
        if _is_month(name):
            months.add(name)

    return sorted(months)


def _is_month(name: str) -> bool:
    try:
        parse_month(name)
    except ValueError:
        return False
    return True


def newest_months(folder: Path, count: int) -> date:
    """The first of the newest `count` months in a folder; the first month of all where there are
    fewer.
    """
    months = months_in(folder)
    return parse_month(months[-count]) if len(months) > count else date.min


def remove_untouched(entries: Iterable[Path], *, since: datetime) -> int:
    """Remove files and folders in which nothing has been written after `since`;
    returns how many.
    """
    old = [entry for entry in entries if _newest_write(entry) < since.timestamp()]
    for entry in old:
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)

    return len(old)


def _newest_write(entry: Path) -> float:
    try:
        newest = entry.lstat().st_mtime
        if entry.is_dir():
            for path in entry.rglob("*"):
                newest = max(newest, path.lstat().st_mtime)
    except FileNotFoundError:  # somebody is at work there
        return float("inf")

    return newest
