"""What of a data folder belongs to a back-up: everything but what is made again by itself."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from churn_platform.published.lookup_copy import COPIES_DIR

# Made again from the wheel, from the code, or of use to a run alone.
WORKING = ("duckdb_extensions", "dbt_target", "dbt_by_hand", "tmp", "logs")
# Of a process that is running.
MOMENTARY = (".lock", ".open", "-wal", "-shm", "-journal")
# What services count and copy for themselves, and would count again from nothing.
OF_SERVICES = (
    "serving/heartbeats",
    "serving/metrics",
    "serving/rates",
    "serving/shipped",
    f"serving/{COPIES_DIR}",
)
SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True)
class Found:
    """What there is of a data folder to keep, by its path below it.

    Databases are copied by SQLite's own means, for they are written while they are read.
    """

    files: tuple[str, ...]
    databases: tuple[str, ...]
    links: tuple[str, ...]


def find_parts(root: Path, *, landing: bool) -> Found:
    """Everything to keep below a data folder, by path; `landing` adds the operators' deliveries."""
    files, databases, links = [], [], []
    without = {*WORKING, *OF_SERVICES} | (set() if landing else {"landing"})
    for path in _walk(root, without):
        name = str(path.relative_to(root))
        if path.is_symlink():
            links.append(name)
        elif name.endswith(MOMENTARY):
            continue
        elif _is_sqlite(path):
            databases.append(name)
        else:
            files.append(name)
    return Found(tuple(sorted(files)), tuple(sorted(databases)), tuple(sorted(links)))


def _walk(root: Path, without: set[str]) -> Iterator[Path]:
    for parent, folders, names in os.walk(root):
        here = Path(parent)
        below = here.relative_to(root)
        folders[:] = [name for name in folders if str(below / name) not in without]
        # A link to a folder is listed among the folders, and not walked into.
        yield from (here / folder for folder in folders if (here / folder).is_symlink())
        yield from (
            path for path in map(here.joinpath, names) if path.is_symlink() or path.is_file()
        )


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(SQLITE)) == SQLITE
    except FileNotFoundError:  # it vanished between the walk and this look
        return False
