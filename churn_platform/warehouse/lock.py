"""One writer at a time on an SQLite catalog, across processes.

SQLite refuses at once, whatever its busy timeout, when two open transactions both want to commit; so whoever writes
holds a lock file first. The system releases it when its process ends, however that ends. A Postgres catalog takes
many writers and needs none of this.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from churn_platform.errors import WarehouseBusyError
from churn_platform.warehouse.holders import holders_of
from churn_platform.warehouse.lake import Lake


@contextmanager
def writer_lock(lake: Lake) -> Iterator[None]:
    """Hold the right to write; WarehouseBusyError, naming the holder, when it does not come free in `wait_seconds`."""
    if lake.sqlite_path is None:
        yield
        return
    path = lake.sqlite_path.with_suffix(".writer.lock")
    lock = FileLock(path, timeout=lake.wait_seconds)
    try:
        lock.acquire()
    except Timeout:
        raise WarehouseBusyError(
            f"the warehouse {lake.sqlite_path} is being written by {', '.join(holders_of(path)) or 'another process'} "
            f"for more than {lake.wait_seconds:g} s; wait for it to finish, or set CHURN_WAREHOUSE_WAIT_SECONDS higher"
        ) from None
    try:
        yield
    finally:
        lock.release()
