"""Says which disk is full, where a library only says that one is."""

import errno
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

# How the system, SQLite and DuckDB word it; MLflow and Dagster pass these on.
SIGNS = ("no space left on device", "database or disk is full", "disk quota exceeded")
FULL = (errno.ENOSPC, errno.EDQUOT)
# SQLite says this of many troubles; one of them is that its log cannot grow.
UNSURE, UNSURE_BYTES = "disk i/o error", 1_000_000


def full_disk(error: BaseException, folders: Callable[[], Iterable[Path]]) -> str | None:
    """What is full and what to do, for an error that a full disk caused; None for any other.

    A file that the error names decides on the disk. Else it is the disk with the least space of
    those that `folders` are on, which is asked for only then: a store that fails is often not the
    one whose library tells of it.
    """
    chain = list(_chain(error))
    is_sure = any(map(_is_full, chain))
    if not is_sure and not any(UNSURE in str(link).lower() for link in chain):
        return None

    free = {}
    for path in _named(chain) or folders():
        place = existing(path)
        free[place] = shutil.disk_usage(place).free

    if not free:
        return None

    folder = min(free, key=lambda place: free[place])
    if not is_sure and free[folder] > UNSURE_BYTES:
        return None

    free_mb = free[folder] / 1e6
    total_mb = shutil.disk_usage(folder).total / 1e6
    return (
        f"the disk mounted at {_mount(folder)} is full: "
        f"{free_mb:,.1f} of {total_mb:,.1f} MB are free "
        f"for {folder}; free space there, or raise its quota, "
        f"and run again (`df -h {folder}` shows the disk)"
    )


def _named(chain: Iterable[BaseException]) -> list[Path]:
    """The files that the errors name."""
    files = []
    for error in chain:
        if isinstance(error, OSError):
            # Of a copy the second one is where it was going.
            names = (error.filename, error.filename2)
            files += [Path(name) for name in names if isinstance(name, str)]
    return files


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that led to it."""
    seen: set[int] = set()
    link: BaseException | None = error
    # Chains of causes can be rings.
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    text = str(error).lower()
    return any(sign in text for sign in SIGNS)


def existing(path: Path) -> Path:
    """The folder of a path, or the nearest above it that is there."""
    path = path.absolute()
    return next(filter(Path.is_dir, (path, *path.parents)))


def _mount(folder: Path) -> Path:
    folder = folder.resolve()
    return next(filter(Path.is_mount, (folder, *folder.parents)))
