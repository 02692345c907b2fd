"""One writer at a time on an SQLite catalog, across processes.

SQLite refuses at once, with any busy timeout, when two open transactions both want to commit; so
each writer holds a lock file first. A Postgres catalog takes many writers and needs none of
this.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING

from churn_platform.warehouse.exclusive_lock import exclusive

if TYPE_CHECKING:
    from churn_platform.warehouse.lake import Lake


class _Held(local):
    """The locks that the running thread holds."""

    def __init__(self) -> None:
        self.paths: set[Path] = set()


_held = _Held()


@contextmanager
def writer_lock(lake: "Lake") -> Iterator[None]:
    """Hold the right to write; WarehouseBusyError, naming the holder, when it does not come free in
    `wait_seconds`. Who holds it already may ask again.
    """
    # Postgres takes many writers; a lock file would not reach writers on other hosts anyway.
    if lake.sqlite_path is None:
        yield
        return

    def busy(holders: str) -> str:
        return (
            f"the warehouse {lake.sqlite_path} is being written by {holders} "
            f"for more than {lake.wait_seconds:g} s; wait for it to finish, or "
            "set CHURN_WAREHOUSE_WAIT_SECONDS higher"
        )

    # Dagster's pool `warehouse` orders the writers of one Dagster instance. This lock also orders
    # commands and `churn dbt`, which know nothing of pools.
    path = lake.sqlite_path.with_suffix(".writer.lock")
    if path in _held.paths:
        yield
        return

    with exclusive(path, wait_seconds=lake.wait_seconds, busy=busy):
        _held.paths.add(path)
        try:
            yield
        finally:
            _held.paths.remove(path)
